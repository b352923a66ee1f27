"""A policy is not a base model: preference-trained weights cannot enter supervised fine-tuning."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Sft
from studio import chats, dpo

again = Sft(
    base=dpo,
    #    ^^^ pyright:reportArgumentType mypy:arg-type
    data=chats,
    learning_rate=1e-4,
)
pipeline = Pipeline(name="p", targets=[again])
