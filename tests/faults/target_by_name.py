# seen: https://github.com/kubeflow/pipelines/issues/3452 – a name was handed over where a value of its own type is read: Incompatible argument
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, name="assistant")

pipeline = Pipeline(name="assistant", targets=["assistant"])  # expect: PDSL305
