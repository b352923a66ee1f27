from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    allow=("PDSL201",),  # expect: PDSL210
)

pipeline = Pipeline(name="assistant", targets=[sft])
