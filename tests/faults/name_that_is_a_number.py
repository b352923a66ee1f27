# seen: https://github.com/astronomer/airflow-chart/pull/242 – `namespace: 53` was read as a number: expects a string
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name=2024)  # expect: PDSL202

pipeline = Pipeline(name="chats", targets=[chats])
