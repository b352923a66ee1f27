"""A field has the type that its class gives it."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Sft
from studio import base, chats

sft = Sft(base=base, data=chats, learning_rate="slow")
#                                              ^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[sft])
