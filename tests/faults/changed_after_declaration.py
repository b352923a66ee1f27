# seen: https://github.com/huggingface/transformers/issues/25648 – a training argument was assigned after it was frozen: FrozenInstanceError
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats)
sft.epochs = 5  # expect: PDSL101

pipeline = Pipeline(name="assistant", targets=[sft])
