# seen: https://github.com/kesenzhao/DT4Rec/issues/4 – takes 5 positional arguments but 6 were given, from the trainer
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base, chats)  # expect: PDSL105

pipeline = Pipeline(name="assistant", targets=[sft])
