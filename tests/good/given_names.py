"""Names at the edges of what is legal."""

from _studio import Talk

from pipeline_dsl import Pipeline

chats = [
    Talk(name="a"),
    Talk(name="0"),
    Talk(name="talk-of_2024"),
    Talk(name="x" * 48),
    Talk(name="01"),
    Talk(),
]

pipeline = Pipeline(name="talk_2024", targets=chats)
