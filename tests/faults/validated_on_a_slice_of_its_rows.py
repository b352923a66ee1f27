# seen: https://github.com/electronicarts/rig-inversion/issues/2 – both slices are nine tenths of the whole, and four fifths are in both
from pipeline_dsl import Pipeline, Preferences, Size, Sizes, Stage, Workspace
from pipeline_dsl.stages import Dpo

from _parts import asked, sft


class Hub(Stage[Preferences]):
    """Pairs of the Hub."""

    repository: str
    revision: str
    split: str = "train"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=10_000)

    def run(self, work: Workspace) -> Preferences:
        raise NotImplementedError


learnt = Hub(repository="our/pairs", revision="3" * 40, split="train[:90%]")
held = Hub(repository="our/pairs", revision="3" * 40, split="train[10%:]")
policy = Dpo(
    policy=sft,
    data=learnt,
    held=held,  # expect: PDSL236
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[policy])
