# seen: https://github.com/hiyouga/LlamaFactory/issues/750 – target modules not found in the base model: they are called otherwise there
from pipeline_dsl import H100, Hardware, Lora, Pipeline
from pipeline_dsl.stages import LoraSft

from _hub import mistral
from _parts import chats

adapter = LoraSft(
    base=mistral,
    data=chats,
    lora=Lora(targets=("query_key_value",)),  # expect: PDSL205
    micro_batch=4,
    learning_rate=1e-4,
    recompute="full",
    on=Hardware(device=H100),
)

pipeline = Pipeline(name="adapter", targets=[adapter])
