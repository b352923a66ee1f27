import math
from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.placement import TrainingPlacement

FAILURES = 419 / (16_384 * 54 * 24)
"""Unexpected interruptions of a device-hour: Llama 3 405B had 419 in 54 days on 16,384 H100 (arXiv:2407.21783, section 3.3.4)."""

_LARGE = 64
"""Devices below which a failure in a run is an accident, not an expectation."""

_SAVING = 60.0
"""Seconds that a checkpoint of a large run holds it up, where nobody said."""


class CheckpointsRare(FactCheck):
    """A large run saves so seldom that failures are expected to cost it a good part of its time.

    Expected are as many failures for a device-hour as Llama 3 405B had: one in 46,000. Each costs half an interval on average. The
    best interval is sqrt(2 x time to save x time between failures): Young (1974); Daly (2006). Reported are intervals that
    lose more than a tenth of the run, on 64 devices or more.
    """

    code = "PDSL337"
    severity = Severity.WARNING
    bad = (
        "base = Train(data=Tokenize(corpus=Crawl()), tokens=2_000_000_000_000, batch=1024, processes=1024, save_every=400_000, "
        "on=Hardware(device=H100, count=8, nodes=128))"
    )
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()), tokens=2_000_000_000_000, batch=1024, processes=1024, save_every=500, "
        "on=Hardware(device=H100, count=8, nodes=128))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            place, hours = facts.hardware[stage], facts.estimates[stage].seconds.point / 3600
            found = _interval(stage, placed) if isinstance(placed, TrainingPlacement) else None
            if found is None or place.devices < _LARGE or not place.device.accelerator:
                continue
            steps, every = found
            between = 1 / (FAILURES * place.devices)
            interval = hours * min(1.0, every / steps)
            failures = hours / between
            lost = failures * interval / 2
            if failures < 1 or lost <= 0.1 * hours:
                continue
            best = math.sqrt(2 * _SAVING / 3600 * between)
            yield self.finding(
                f"one of {place.devices} devices fails about every {between:.0f} hours, and a checkpoint comes every {interval:.1f}: "
                f"{failures:.0f} failure{'s' if failures >= 1.5 else ''} in a run of {hours:.0f} hours would cost about {lost:.0f} more",
                at=facts.graph.argument(stage, "save_every"),
                help=f"write `save_every={max(1, round(best / hours * steps))}`, about every {60 * best:.0f} minutes",
            )


def _interval(stage: AnyStage, placed: TrainingPlacement) -> tuple[float, float] | None:
    """(steps of the run, steps between checkpoints), where both are known; no checkpoints at all are one at the end."""
    tokens: Any = getattr(stage, "tokens", None)
    every: Any = getattr(stage, "save_every", None)
    if not isinstance(tokens, int) or not isinstance(every, int) or not placed.batch:
        return None
    steps = tokens / (placed.batch * placed.length)
    return (steps, float(every) if every > 0 else steps) if steps >= 1 else None
