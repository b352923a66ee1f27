# seen: https://github.com/pipilurj/MLLM-protector/issues/6 – the adapter was of another base model than it was merged into
from pipeline_dsl import Lora, Pipeline
from pipeline_dsl.stages import LoraSft, MergeSft, Pretrain

from _parts import TINY, base, chats, rows, tokenizer, unseen

longer = Pretrain(data=rows, validation=unseen, tokenizer=tokenizer, model=TINY, tokens=12_000_000, batch=32, learning_rate=1e-3)
adapter = LoraSft(base=base, data=chats, lora=Lora(rank=16), learning_rate=1e-5)
merged = MergeSft(
    base=longer,  # expect: PDSL229
    adapter=adapter,
)

pipeline = Pipeline(name="assistant", targets=[merged])
