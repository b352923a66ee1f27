"""A scaling law from small runs: what the next size will come to, before it is paid for."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import ScalingLaw
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._training import Training

if TYPE_CHECKING:
    from pipeline_dsl.ml.power_law import Fit
    from pipeline_dsl.ml.recipe import Outcome

FEWEST = 3


class FitScalingLaw(Training[ScalingLaw]):
    """Train small models on `tokens` tokens each, fit L(N) = E + A / N^alpha, and predict the loss of `predicts`.

    N counts non-embedding parameters. The prediction is for a run of this very recipe: as many tokens, the same batch and
    learning rate. A run on more tokens ends lower. With few sizes the exponent leans on a prior; `runs.json` holds the
    points, the residuals and the standard deviation of the prediction.
    Source: Hoffmann et al. (2022), arXiv:2203.15556, approach 3, at one number of tokens.
    """

    sizes: tuple[Llama, ...]
    predicts: Llama
    """The next size."""

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes, max(self.sizes, key=lambda model: model.parameters)) if self.sizes else None

    def cost(self, sizes: Sizes) -> Work:
        return sum((self.effort(sizes, model) for model in self.sizes), Work())

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for field, model in chain((("sizes", model) for model in self.sizes), (("predicts", self.predicts),)):
            yield from self.model_problems(field, model)
        counts = [non_embedding(model) for model in self.sizes]
        if len(set(counts)) < max(FEWEST, len(counts)):
            yield Problem("sizes", f"a law has three unknowns, and {len(set(counts))} different sizes are given", "give three or more")
        if counts and non_embedding(self.predicts) <= max(counts):
            larger = f"{non_embedding(self.predicts):,} non-embedding parameters are no more than the largest run has"
            yield Problem("predicts", larger, "predict a larger model; the smaller ones are measured")
        if len({model.vocabulary for model in (*self.sizes, self.predicts)}) > 1:
            yield Problem("sizes", "the models have different vocabularies, so their losses are in different units", "give all the same")

    def run(self, work: Workspace) -> ScalingLaw:
        from pipeline_dsl.ml import power_law, pretraining

        jobs = [
            pretraining.Run(recipe=self.recipe(work, model), folder=str(work.scratch / f"run-{number}"))
            for number, model in enumerate(self.sizes)
        ]
        work.library("scipy")
        work.launch(pretraining.SWEEP, {"runs": [pretraining.config(job) for job in jobs]}, processes=self.running)
        outcomes = [pretraining.outcome(Path(job.folder)) for job in jobs]
        ended = [outcome for outcome in outcomes if outcome is not None]
        if len(ended) < len(jobs):
            raise StageFailed(f"{len(jobs) - len(ended)} of {len(jobs)} runs left no outcome")
        points = [(non_embedding(model), outcome.curve[-1][1]) for model, outcome in zip(self.sizes, ended, strict=True)]
        fitted = power_law.fit(points)
        target = non_embedding(self.predicts)
        record = self._record(points, ended, fitted, target)
        (work.output / "runs.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        for (size, loss), residual in zip(points, fitted.residuals, strict=True):
            print(f"{size:>12,} parameters: loss {loss:.4f}, log residual {residual:+.4f}", flush=True)
        law = fitted.law
        print(f"{target:>12,} parameters: predicted {law(target):.4f} +- {fitted.uncertainty(target):.4f}", flush=True)
        return ScalingLaw(
            irreducible=law.irreducible,
            coefficient=law.coefficient,
            exponent=law.exponent,
            predicted_loss=law(target),
            predicted_at=target,
        )

    def _record(self, points: Sequence[tuple[int, float]], ended: "Sequence[Outcome]", fitted: "Fit", target: int) -> dict[str, object]:
        """What `runs.json` says; nothing of it depends on how fast the machine was."""
        runs: list[dict[str, object]] = []
        for model, (size, loss), outcome, residual in zip(self.sizes, points, ended, fitted.residuals, strict=True):
            run: dict[str, object] = {"model": unstructure(model), "non_embedding_parameters": size, "loss": loss}
            runs.append(run | {"curve": outcome.curve, "log_residual": residual})
        return {
            "form": "E + A / N^alpha",
            "tokens": self.tokens,
            "runs": runs,
            "fit": unstructure(fitted),
            "prediction": {
                "non_embedding_parameters": target,
                "loss": fitted.law(target),
                "standard_deviation": fitted.uncertainty(target),
            },
        }


def non_embedding(model: Llama) -> int:
    """Parameters beside the token embeddings, input and output: the N of a scaling law."""
    return model.parameters - model.hidden * model.vocabulary * (1 if model.tied else 2)
