import math
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.checks.time_limit_exceeded import limited, saves
from pipeline_dsl.compiler.facts import Facts


class TimeLimitInterrupts(FactCheck):
    """A stage likely takes longer than its queue lets a job run; it saves checkpoints, so it takes several jobs.

    Somebody has to submit it again each time, or the queue must requeue it. If that is meant, say so with `allow`.
    """

    code = "PDSL336"
    severity = Severity.WARNING
    bad = "base = Train(data=Tokenize(corpus=Crawl()), save_every=100, on=Hardware(device=H100, count=8, time_limit=24))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), save_every=100, on=Hardware(device=H100, count=8, time_limit=10_000))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, limit, at, again in limited(facts):
            seconds = facts.estimates[stage].seconds
            if again and saves(stage):
                continue  # the queue goes on by itself, from the last checkpoint
            if (not saves(stage) and seconds.low / 3600 > limit) or seconds.point / 3600 <= limit:
                continue
            jobs = math.ceil(seconds.point / 3600 / limit)
            yield self.finding(
                f"`{facts.graph.names[stage]}` is estimated at {seconds.point / 3600:.1f} hours ({seconds.low / 3600:.1f} to "
                f"{seconds.high / 3600:.1f}), and its queue ends it after {limit:.2g}: about {jobs} jobs, one after the other",
                at=at(),
                help=f"take a queue of {max(1.0, seconds.high / 3600):.0f} hours or more devices, or have the queue start it again",
            )
