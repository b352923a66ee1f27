# seen: https://github.com/allenai/OLMo-core/pull/614 – a peak of half the true one had MFU reported twice too high
from pipeline_dsl import H100, Hardware, Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, processes=8, on=Hardware(device=H100, count=8, mfu=0.85))  # expect: PDSL610

pipeline = Pipeline(name="assistant", targets=[sft])
