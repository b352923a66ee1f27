from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.placement import TrainingPlacement


class WarmupTooLong(FactCheck):
    """The learning rate would still be rising when the run ends.

    A warm-up copied from a longer run, or counted in other steps than the run's: then the highest rate is never reached, and the
    decay never comes. Judged where a stage counts its warm-up in steps (`warmup_steps`) and its steps are known.
    """

    code = "PDSL339"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), warmup_steps=300_000)"
    good = "base = Train(data=Tokenize(corpus=Crawl()), warmup_steps=2_000)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage in facts.graph.order:
            warmup: Any = getattr(stage, "warmup_steps", None)
            steps = _steps(stage, facts) if isinstance(warmup, int) else None
            if steps is not None and warmup >= steps:
                yield self.finding(
                    f"{warmup:,} steps of warm-up are all of the {steps:,} steps of the run",
                    at=facts.graph.argument(stage, "warmup_steps"),
                    help=f"write `warmup_steps={max(1, round(0.02 * steps))}`; 1 to 5% of the steps is usual",
                )


def _steps(stage: AnyStage, facts: Facts) -> int | None:
    """Steps of a run: as declared, or as its tokens or its rows come to."""
    steps: Any = getattr(stage, "steps", None)
    if isinstance(steps, int) and not isinstance(steps, bool):
        return steps
    placed, tokens = facts.placements.get(stage), getattr(stage, "tokens", None)
    if isinstance(placed, TrainingPlacement) and placed.batch and isinstance(tokens, int) and not isinstance(tokens, bool):
        return int(tokens // (placed.batch * placed.length))
    return None
