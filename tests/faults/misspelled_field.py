# seen: https://github.com/unslothai/unsloth/pull/10452 – keys that `train --config` did not know were dropped; the loss curve told it hours later
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learnin_rate=1e-5)  # expect: PDSL105

pipeline = Pipeline(name="assistant", targets=[sft])
