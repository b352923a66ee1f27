from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base, chats)  # expect: PDSL105

pipeline = Pipeline(name="assistant", targets=[sft])
