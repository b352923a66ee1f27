"""Two inputs in each other's place: both are reported."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Sft
from studio import base, chats

sft = Sft(base=chats, data=base, learning_rate=1e-4)
#              ^^^^^ pyright:reportArgumentType mypy:arg-type
#                          ^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[sft])
