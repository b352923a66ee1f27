# seen: https://github.com/strands-labs/robots/pull/1943 – six trainers took False for a learning rate, and the run learnt nothing
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, epochs=False)  # expect: PDSL202

pipeline = Pipeline(name="assistant", targets=[sft])
