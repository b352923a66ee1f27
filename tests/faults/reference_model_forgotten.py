# seen: https://github.com/ZHZisZZ/modpo/issues/5 – DPO of Llama-2-7B on one A100 40GB, one pair at a time: out of memory
from pipeline_dsl import A100_40, Hardware, Pipeline
from pipeline_dsl.stages import Dpo

from _cluster import seven
from _parts import Sft, asked, chats, compared, judged

sft = Sft(base=seven, data=chats)
base = Dpo(
    policy=sft,
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
    micro_batch=1,
    on=Hardware(device=A100_40),  # expect: PDSL320
)

pipeline = Pipeline(name="reference-model-forgotten", targets=[base])
