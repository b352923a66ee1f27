# seen: https://github.com/arcee-ai/mergekit/issues/47 – a vocabulary of 120,128 met weights of 32,000: the output is garbled
from pipeline_dsl import Checkpoint, Dataset, Pipeline, Ref, Size, Sizes, Stage, Workspace
from pipeline_dsl.stages import Tokenize, TrainTokenizer

from _parts import base, train


class GoOn(Stage[Checkpoint]):
    """More of the same training, on new rows."""

    base: Ref[Checkpoint]
    data: Ref[Dataset]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


finer = TrainTokenizer(corpora=(train,), vocabulary=4_096, minimum=20)
longer = GoOn(
    base=base,
    data=Tokenize(tokenizer=finer, corpora=(train,), length=512),  # expect: PDSL222
)

pipeline = Pipeline(name="base", targets=[longer])
