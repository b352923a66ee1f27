"""Pre-training of a Llama-style model on packed rows, by the Trainer of transformers on DeepSpeed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import Checkpoint, ScalingLaw
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._training import Training


class Pretrain(Training[Checkpoint]):
    """Train a model from fresh weights to predict the next token.

    A killed attempt goes on from its last complete checkpoint; in fp32 it ends in the very bits of an undisturbed one. The
    weights are saved in the precision they are trained in.
    """

    model: Llama
    scaling: Ref[ScalingLaw] | None = None
    """A law that predicts a loss; the log compares it with what came out."""

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model, tokens=Tokens(self.tokens))

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes, self.model)

    def cost(self, sizes: Sizes) -> Work:
        return self.effort(sizes, self.model)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from self.model_problems("model", self.model)

    def measures(self) -> Iterable[str]:
        return ("validation_loss",)

    def run(self, work: Workspace) -> Checkpoint:
        from pipeline_dsl.ml import models, pretraining

        recipe = self.recipe(work, self.model)
        job = pretraining.Run(recipe=recipe, folder=str(work.scratch / "run"), output=str(work.output))
        models.copy_tokenizer(work.path(self.tokenizer), work.output)
        work.launch(pretraining.RUN, {"run": pretraining.config(job)}, processes=self.running)
        ended = pretraining.outcome(Path(job.folder))
        if ended is None:
            raise StageFailed("training ended and left no outcome")
        loss = ended.curve[-1][1]
        print(f"validation loss {loss:.4f}, {ended.tokens_per_second:,.0f} tokens/s", flush=True)
        if self.scaling is not None:
            law = work.meta(self.scaling)
            print(f"the scaling law predicts {law.predicted_loss:.4f} for {law.predicted_at:,} non-embedding parameters", flush=True)
        return Checkpoint(
            parameters=ended.parameters,
            steps=recipe.steps,
            tokens=Tokens(recipe.steps * self.batch * work.meta(self.data).length),
            validation_loss=loss,
            loss_curve=ended.curve,
        )
