"""An input is the stage that makes it, never a path."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Sft
from studio import chats

sft = Sft(base="runs/base", data=chats, learning_rate=1e-4)
#              ^^^^^^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[sft])
