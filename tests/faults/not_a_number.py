from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learning_rate=float("nan"))  # expect: PDSL204

pipeline = Pipeline(name="assistant", targets=[sft])
