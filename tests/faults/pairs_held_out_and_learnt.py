# seen: Zephyr's preference training (arXiv:2310.16944), with its held-out pairs broken: they are the ones that it learns from
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Dpo

from _parts import asked, judged, sft

policy = Dpo(
    policy=sft,
    data=judged,
    held=judged,  # expect: PDSL236
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[policy])
