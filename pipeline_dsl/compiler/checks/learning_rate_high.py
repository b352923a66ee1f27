import math
from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.checks.tokens_few import fresh
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement

_MARGIN = 10.0
"""Times the usual rate from which it is reported."""


class LearningRateHigh(FactCheck):
    """A learning rate far above what published recipes use for a model of this size.

    With Adam, 6e-4 at 0.1e9 parameters, 3e-4 at 7e9, 1.5e-4 at 70e9 (Brown et al., 2020, arXiv:2005.14165, table 2.1; Touvron
    et al., 2023, arXiv:2302.13971, table 2); all weights are fine-tuned at 5e-6 to 3e-5, preferences learnt at 5e-7 to 5e-6,
    adapters at 1e-4 to 3e-4 (Dettmers et al., 2023, arXiv:2305.14314, table 9). Reported is ten times as much, of a billion
    parameters or more: the loss then leaves for good, often days on.
    """

    code = "PDSL342"
    severity = Severity.WARNING
    bad = "base = Train(data=Tokenize(corpus=Crawl()), learning_rate=3e-2)"
    good = "base = Train(data=Tokenize(corpus=Crawl()), learning_rate=3e-4)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            rate: Any = getattr(stage, "learning_rate", None)
            if not isinstance(placed, TrainingPlacement) or not isinstance(rate, int | float) or placed.model.parameters < 1e9:
                continue
            if not math.isfinite(rate):
                continue  # `value_unspellable` reports it
            if not type(stage).__module__.startswith("pipeline_dsl."):
                continue  # another optimizer may want another rate: Muon takes 2e-2
            usual, what = _usual(placed, fresh(facts, stage), type(stage).aligns)
            if rate > _MARGIN * usual:
                yield self.finding(
                    f"{what} of {placed.model.parameters / 1e9:.1f}e9 parameters usually takes up to {usual:.1g}; "
                    f"this is {rate / usual:.0f} times as much",
                    at=facts.graph.argument(stage, "learning_rate"),
                    help=f"write `learning_rate={usual:.1g}`",
                )


def _usual(placed: TrainingPlacement, fresh: bool, aligns: bool) -> tuple[float, str]:
    """(the highest rate of published recipes, what for)."""
    if placed.lora is not None:
        return 5e-4, "an adapter beside a model"
    if fresh:
        return 6e-4 * (placed.model.parameters / 1.25e8) ** -0.16 * 2, "training"
    return (1e-5, "preference training") if aligns else (1e-4, "fine-tuning")
