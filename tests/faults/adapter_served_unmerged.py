# seen: https://github.com/lm-sys/FastChat/issues/1689 – a worker was given a folder with adapters alone, and found no model in it
from pipeline_dsl import Lora, Pipeline
from pipeline_dsl.stages import LoraSft, Serve

from _parts import asked, base, chats

adapter = LoraSft(base=base, data=chats, lora=Lora(rank=16, base="nf4"), learning_rate=1e-5)
served = Serve(
    model=adapter,  # expect: PDSL201
    prompts=asked,
)

pipeline = Pipeline(name="assistant", targets=[served])
