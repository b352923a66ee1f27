# seen: https://github.com/skypilot-org/skypilot/issues/3150 – H100 could be rented before the table of prices knew them
from pipeline_dsl import Budget, Device, Hardware, Pipeline

from _parts import Sft, base, chats

ACME = Device(name="Acme-1", bf16=4e14, memory=96 * 10**9, price=None, price_date="", price_source="")

sft = Sft(base=base, data=chats, on=Hardware(device=ACME))  # expect: PDSL605

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=500))
