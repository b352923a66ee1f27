# seen: https://arxiv.org/abs/2310.03693 – tuning an aligned model again, even on benign data, undid its safety training
"""The policy is fed back into supervised fine-tuning, which starts from base models."""

from pipeline_dsl import Checkpoint, Pipeline, Ref, SftModel, Stage, Workspace

from _parts import policy


class FineTune(Stage[SftModel]):
    base: Ref[Checkpoint]
    epochs: int = 2

    def run(self, work: Workspace) -> SftModel:
        raise NotImplementedError


again = FineTune(
    epochs=1,
    base=policy,  # expect: PDSL201
)

pipeline = Pipeline(name="again", targets=[again])
