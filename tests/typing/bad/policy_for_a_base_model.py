"""A policy is not a base model: preference-trained weights cannot enter supervised fine-tuning."""

from pipeline_dsl import Pipeline
from stages import Dpo, Judge, Pretrain, Sft, Talk

base = Pretrain()
chats = Talk(path="chats")
dpo = Dpo(policy=Sft(base=base, data=chats), data=Judge(path="pairs"))
again = Sft(
    base=dpo,
    #    ^^^ pyright:reportArgumentType mypy:arg-type
    data=chats,
)
pipeline = Pipeline(name="p", targets=[again])
