# seen: https://github.com/keithjjones/hostintel/issues/12 – a colon where the configuration takes an equals sign: `invalid syntax`, and no more
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data: chats)  # expect: PDSL101

pipeline = Pipeline(name="assistant", targets=[sft])
