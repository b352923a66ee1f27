# seen: Llama 2 7B (arXiv:2307.09288) on a GPU of one's own, with its peak broken: in the TFLOP/s of a data sheet
from pipeline_dsl import Device, Hardware, Pipeline

from _parts import Sft, base, chats

OURS = Device(name="H100 NVL", bf16=835.0, memory=94 * 10**9, bandwidth=3.9e12, price=2.5, price_date="2026", price_source="a contract")

sft = Sft(base=base, data=chats, on=Hardware(device=OURS))  # expect: PDSL306

pipeline = Pipeline(name="assistant", targets=[sft])
