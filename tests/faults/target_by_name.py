from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, name="assistant")

pipeline = Pipeline(name="assistant", targets=["assistant"])  # expect: PDSL305
