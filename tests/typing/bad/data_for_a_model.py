"""Two inputs in each other's place: both are reported."""

from pipeline_dsl import Pipeline
from stages import Pretrain, Sft, Talk

base = Pretrain()
chats = Talk(path="chats")
sft = Sft(base=chats, data=base)
#              ^^^^^ pyright:reportArgumentType mypy:arg-type
#                          ^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[sft])
