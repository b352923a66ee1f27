# seen: https://github.com/modelscope/ms-swift/issues/1591 – fine-tuned at 32,000 tokens, and the model knows 8,192
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    max_length=4096,  # expect: PDSL223
)

pipeline = Pipeline(name="assistant", targets=[sft])
