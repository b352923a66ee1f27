# seen: https://github.com/DearCaat/RRT-MIL/issues/22 – the test set stopped the training and chose the weights, and then judged them
from pipeline_dsl import Checkpoint, Dataset, EvalReport, Pipeline, Ref, Stage, Workspace, held_out, metric
from pipeline_dsl.stages import Tokenize

from _parts import TINY, Pretrain, rows, test, tokenizer


class Loss(Stage[EvalReport]):
    """The loss of a model on text."""

    model: Ref[Checkpoint]
    text: Ref[Dataset] = held_out()

    def measures(self) -> tuple[str, ...]:
        return ("validation_loss",)

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


kept = Tokenize(tokenizer=tokenizer, corpora=(test,), length=512)
base = Pretrain(
    data=rows,
    validation=kept,  # expect: PDSL908
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)
loss = Loss(model=base, text=kept)

pipeline = Pipeline(name="base", targets=[loss], gates=[metric("validation_loss", of=loss) <= 3.2])
