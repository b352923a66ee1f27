from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats)

pipeline = Pipeline(
    targets=sft,  # expect: PDSL105
    name="assistant",
)
