"""Preference training starts from a model that answers."""

from pipeline_dsl import Pipeline
from stages import Dpo, Judge, Pretrain

base = Pretrain()
dpo = Dpo(policy=base, data=Judge(path="pairs"))
#                ^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[dpo])
