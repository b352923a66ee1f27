# seen: https://github.com/tatsu-lab/stanford_alpaca/issues/56 – a 7B model trained in full on one A100 80GB: out of memory
from pipeline_dsl import A100_80, Hardware, Pipeline

from _cluster import seven
from _parts import Sft, chats

base = Sft(base=seven, data=chats, micro_batch=1, max_length=512, on=Hardware(device=A100_80))  # expect: PDSL320

pipeline = Pipeline(name="eighty-gigabytes-for-seven-billion", targets=[base])
