# seen: https://github.com/gensyn-ai/rl-swarm/issues/300 – you cannot perform fine-tuning on purely quantized models, said on an H100
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Dpo, Quantize

from _parts import TASKS, asked, chats, compared, judged, sft, suite

small = Quantize(model=sft, calibration=chats, suite=suite, tasks=TASKS)
policy = Dpo(
    policy=small,  # expect: PDSL201
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="small", targets=[policy])
