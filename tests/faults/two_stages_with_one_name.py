# seen: https://github.com/turbot/flowpipe/issues/827 – two steps with one name: the run never ended
from pipeline_dsl import Pipeline

from _parts import Talk

old = Talk(name="chats", year=2023)
new = Talk(name="chats", year=2024)  # expect: PDSL301

pipeline = Pipeline(name="chats-of-years", targets=[old, new])
