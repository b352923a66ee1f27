# seen: https://github.com/mozilla-services/shavar/issues/17 – with a single list configured its name was iterated, letter by letter
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats)

pipeline = Pipeline(
    targets=sft,  # expect: PDSL105
    name="assistant",
)
