# seen: https://github.com/arcee-ai/mergekit/issues/47 – the size of tensor a (32000) must match the size of tensor b (120128)
import attrs

from pipeline_dsl import CausalModel, Checkpoint, Pipeline, Ref, Size, Sizes, Stage, Workspace

from _hub import Weights, mistral
from _parts import SEVEN


class Average(Stage[Checkpoint]):
    """Mean of the weights."""

    models: tuple[Ref[CausalModel], ...]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.models[0]]

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


extended = Weights(licence="Apache-2.0", model=attrs.evolve(SEVEN, vocabulary=120_128))
merged = Average(
    models=(mistral, extended),  # expect: PDSL222
)

pipeline = Pipeline(name="merged", targets=[merged])
