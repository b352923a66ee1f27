from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage


class TimeLimitExceeded(FactCheck):
    """A stage takes longer than its queue lets a job run, and saves nothing on the way.

    The job is ended at the limit, and all of it is lost; started again, it is ended again. `time_limit` of `Hardware` says what the
    queue allows, in hours.
    """

    code = "PDSL335"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), save_every=0, on=Hardware(device=H100, count=8, time_limit=24))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), save_every=0, on=Hardware(device=H100, count=8, time_limit=10_000))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, limit in limited(facts):
            hours = [facts.estimates[stage].seconds.low / 3600, facts.estimates[stage].seconds.high / 3600]
            if hours[0] > limit and not saves(stage):
                yield self.finding(
                    f"`{facts.graph.names[stage]}` is estimated at {hours[0]:.1f} to {hours[1]:.1f} hours, and its queue ends it after "
                    f"{limit:g}",
                    at=facts.graph.argument(stage, "on"),
                    help=f"take a queue of {hours[1]:.0f} hours, more devices"
                    + (", or `save_every=500` to go on where it was ended" if hasattr(stage, "save_every") else ", or split the stage"),
                )


def limited(facts: Facts) -> Iterator[tuple[AnyStage, float]]:
    """Stages on a queue with a limit, in hours."""
    for stage in facts.graph.order:
        limit = facts.hardware[stage].time_limit
        if limit is not None and limit > 0 and facts.estimates[stage].flops:
            yield stage, float(limit)


def saves(stage: AnyStage) -> bool:
    """Whether a stage writes checkpoints that it can go on from."""
    every: Any = getattr(stage, "save_every", 0)
    return isinstance(every, int) and every > 0
