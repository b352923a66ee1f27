"""Nobody knows what the machine costs, and that is meant so."""

from _studio import Sft, base, chats

from pipeline_dsl import Budget, Device, Hardware, Pipeline
from pipeline_dsl.base.units import Flops

OWN = Device(name="Own-1", bf16=Flops(4e14), memory=96 * 10**9, price=None, price_date="", price_source="")

sft = Sft(  # pdsl: allow[PDSL605] the machine is ours, and paid for
    base=base,
    data=chats,
    on=Hardware(device=OWN, count=8),
)

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=50))
