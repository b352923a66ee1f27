# seen: https://github.com/elyra-ai/elyra/pull/2533 – two parameters became one when their names were made legal
from pipeline_dsl import Pipeline

from _parts import Talk

old = Talk(name="chats-2024", year=2023)
new = Talk(
    year=2024,
    name="chats_2024",  # expect: PDSL301
)

pipeline = Pipeline(name="chats", targets=[old, new])
