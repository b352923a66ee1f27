# seen: https://github.com/radixark/miles/pull/2353 – nothing knew the device's peak, so no utilization could be formed
from pipeline_dsl import Device, Hardware, Pipeline

from _parts import Sft, base, chats

ACME = Device(name="Acme-1", bf16=0.0, memory=96 * 10**9, price=1.0, price_date="2026", price_source="a call")

sft = Sft(base=base, data=chats, on=Hardware(device=ACME))  # expect: PDSL306

pipeline = Pipeline(name="assistant", targets=[sft])
