# seen: https://github.com/hiyouga/LlamaFactory/issues/4014 – YAML read `2e-5` as a string, and the optimizer compared it with 0.0
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learning_rate="1e-5")  # expect: PDSL202

pipeline = Pipeline(name="assistant", targets=[sft])
