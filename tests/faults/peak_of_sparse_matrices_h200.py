# seen: https://github.com/NVIDIA/Megatron-LM/issues/1565 – utilization on H200 was taken of 1979 TFLOP/s, which is with sparsity
from pipeline_dsl import Device, Hardware, Pipeline

from _parts import Sft, base, chats

OURS = Device(name="NVIDIA H200", bf16=1979e12, memory=141 * 10**9, price=3.5, price_date="2026", price_source="our contract")

sft = Sft(base=base, data=chats, processes=2, on=Hardware(device=OURS, count=2))  # expect: PDSL612

pipeline = Pipeline(name="assistant", targets=[sft])
