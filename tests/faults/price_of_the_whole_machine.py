# seen: https://github.com/opencost/opencost/pull/2523 – the price of all GPUs of a node was charged for each of them
from pipeline_dsl import H100, Hardware, Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, processes=8, on=Hardware(device=H100, count=8, price=31.92))  # expect: PDSL611

pipeline = Pipeline(name="assistant", targets=[sft])
