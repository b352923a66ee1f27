# seen: https://github.com/kubeflow/pipelines/pull/6600 – names made for several steps of one component were not unique
"""`02_talk` is what the second stage would be called by itself."""

from pipeline_dsl import Pipeline

from _parts import Talk

old = Talk(year=2023, name="02_talk")
new = Talk(year=2024)  # expect: PDSL301

pipeline = Pipeline(name="chats", targets=[old, new])
