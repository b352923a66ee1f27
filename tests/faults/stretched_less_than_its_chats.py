# seen: https://github.com/hiyouga/LlamaFactory/issues/633 – the length and the RoPE scaling are set in two places
from pipeline_dsl import Pipeline, RopeScaling

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    rope_scaling=RopeScaling(factor=2),
    max_length=4096,  # expect: PDSL223
)

pipeline = Pipeline(name="assistant", targets=[sft])
