# seen: https://github.com/arcee-ai/DistillKit/issues/12 – distillation on logits, and teacher and student number their tokens differently
import attrs

from pipeline_dsl import CausalModel, Checkpoint, Dataset, Pipeline, Ref, Size, Sizes, Stage, Workspace

from _hub import Weights
from _parts import SEVEN, rows


class Distil(Stage[Checkpoint]):
    """Learn from a teacher's probabilities."""

    teacher: Ref[CausalModel]
    student: Ref[Checkpoint]
    data: Ref[Dataset]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.student]

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


teacher = Weights(licence="Apache-2.0", model=attrs.evolve(SEVEN, vocabulary=151_936))
student = Weights(licence="Apache-2.0")
distilled = Distil(
    teacher=teacher,
    student=student,  # expect: PDSL222
    data=rows,
)

pipeline = Pipeline(name="distilled", targets=[distilled])
