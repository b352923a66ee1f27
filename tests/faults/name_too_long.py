# seen: https://github.com/kubeflow/trainer/issues/1101 – a job's long name made labels too long, and it hung for ever
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="conversations-that-people-of-the-team-wrote-in-spring")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
