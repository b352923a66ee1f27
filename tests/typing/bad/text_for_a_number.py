"""A field has the type that its class gives it."""

from pipeline_dsl import Pipeline
from stages import Pretrain

base = Pretrain(steps="many")
#                     ^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[base])
