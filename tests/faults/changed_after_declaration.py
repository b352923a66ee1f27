from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats)
sft.epochs = 5  # expect: PDSL101

pipeline = Pipeline(name="assistant", targets=[sft])
