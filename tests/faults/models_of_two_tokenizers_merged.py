# seen: https://github.com/arcee-ai/mergekit/issues/169 – merged without an error, and the answers are incomprehensible
from pipeline_dsl import CausalModel, Checkpoint, Pipeline, Ref, Stage, Workspace
from pipeline_dsl.stages import Pretrain, Tokenize, TrainTokenizer

from _parts import TINY, base, train, validation


class Average(Stage[Checkpoint]):
    """Mean of the weights."""

    models: tuple[Ref[CausalModel], ...]

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


other = TrainTokenizer(corpora=(train,), vocabulary=4_096, split_digits=False)
second = Pretrain(
    data=Tokenize(tokenizer=other, corpora=(train,), length=512),
    validation=Tokenize(tokenizer=other, corpora=(validation,), length=512),
    tokenizer=other,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)
merged = Average(
    models=(base, second),  # expect: PDSL222
)

pipeline = Pipeline(name="merged", targets=[merged])
