# seen: https://github.com/mongrel2/mongrel2/issues/50 – a brace was not closed, and the error named no line
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(  # expect: PDSL101
    base=base,
    data=chats,
    epochs=3,

pipeline = Pipeline(name="assistant", targets=[sft])
