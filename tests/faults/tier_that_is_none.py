# seen: https://github.com/kubernetes-sigs/kueue/issues/3439 – a priority class that does not exist: the job waits, and nothing says why
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, tier="free")  # expect: PDSL203

pipeline = Pipeline(name="assistant", targets=[sft])
