"""Preference training starts from a model that answers."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Dpo
from studio import base, held_pairs, pairs, prompts

dpo = Dpo(policy=base, data=pairs, held=held_pairs, prompts=prompts, kl_budget=1.0, learning_rate=1e-4)
#                ^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[dpo])
