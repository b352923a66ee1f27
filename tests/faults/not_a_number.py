# seen: https://github.com/usestrix/strix/pull/576 – NaN passed the check of a limit, since it is not below zero either
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learning_rate=float("nan"))  # expect: PDSL204

pipeline = Pipeline(name="assistant", targets=[sft])
