# seen: https://github.com/huggingface/alignment-handbook/issues/120 – DPO was run on the pre-trained model, with no fine-tuning before it
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Dpo

from _parts import asked, base, compared, judged

policy = Dpo(
    policy=base,  # expect: PDSL201
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="raw", targets=[policy])
