# seen: https://github.com/hiyouga/LlamaFactory/issues/8459 – DPO was measured against the base model in the place of the SFT model
from pipeline_dsl import CausalModel, Pipeline, Ref, stages

from _parts import asked, base, compared, judged, sft


class Dpo(stages.Dpo):
    """The reference is given."""

    reference: Ref[CausalModel]


policy = Dpo(
    policy=sft,
    reference=base,  # expect: PDSL227
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[policy])
