# seen: https://github.com/fallow-rs/fallow/issues/1302 – suppressions that say nothing: a team had to lint its linter's comments for the why
from pipeline_dsl import Budget, Device, Hardware, Pipeline
from pipeline_dsl.base.units import Flops

from _parts import Sft, base, chats

OWN = Device(name="Own-1", bf16=Flops(4e14), memory=96 * 10**9, price=None, price_date="", price_source="")
place = Hardware(device=OWN)
sft = Sft(base=base, data=chats, on=place)  # pdsl: allow[PDSL605]  # expect: PDSL210

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=50))
