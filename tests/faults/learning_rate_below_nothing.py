# seen: https://github.com/arogozhnikov/DeepMMD-GAN/issues/2 – lr=-1e-4 for an ascent: invalid learning rate
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learning_rate=-1e-5)  # expect: PDSL203

pipeline = Pipeline(name="assistant", targets=[sft])
