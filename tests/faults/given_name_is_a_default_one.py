"""`02_talk` is what the second stage would be called by itself."""

from pipeline_dsl import Pipeline

from _parts import Talk

old = Talk(year=2023, name="02_talk")
new = Talk(year=2024)  # expect: PDSL301

pipeline = Pipeline(name="chats", targets=[old, new])
