from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name=2024)  # expect: PDSL202

pipeline = Pipeline(name="chats", targets=[chats])
