"""An input is the stage that makes it, never a path."""

from pipeline_dsl import Pipeline
from stages import Sft, Talk

sft = Sft(base="runs/base", data=Talk(path="chats"))
#              ^^^^^^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[sft])
