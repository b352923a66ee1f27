# seen: https://github.com/gjsify/gjsify/pull/867 – sixty comments allowed findings that nobody was given any more, and hid a red build for months
from pipeline_dsl import H100, Budget, Hardware, Pipeline

from _parts import Sft, base, chats

# pdsl: allow[PDSL605] our own machine, no price known  # expect: PDSL211
sft = Sft(base=base, data=chats, on=Hardware(device=H100))

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=50_000))
