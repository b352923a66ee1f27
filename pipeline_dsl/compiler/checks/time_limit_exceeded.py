import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.slurm import Slurm, SlurmJob

_TIME = re.compile(r"\d{1,6}(:\d{1,2}){0,2}|\d{1,4}-\d{1,2}(:\d{1,2}){0,2}").fullmatch


class TimeLimitExceeded(FactCheck):
    """A stage takes longer than its queue lets a job run, and saves nothing on the way.

    The job is ended at the limit, and all of it is lost; started again, it is ended again. `time_limit` of `Hardware` says what the
    queue allows, in hours; without one, the `time` of the `SlurmJob` that the stage gets does.
    """

    code = "PDSL335"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), save_every=0, on=Hardware(device=H100, count=8, time_limit=24))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), save_every=0, on=Hardware(device=H100, count=8, time_limit=10_000))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, limit, at, _ in limited(facts):
            hours = [facts.estimates[stage].seconds.low / 3600, facts.estimates[stage].seconds.high / 3600]
            if hours[0] > limit and not saves(stage):
                yield self.finding(
                    f"`{facts.graph.names[stage]}` is estimated at {hours[0]:.1f} to {hours[1]:.1f} hours, and its queue ends it after "
                    f"{limit:g}",
                    at=at(),
                    help=f"take a queue of {hours[1]:.0f} hours, more devices"
                    + (", or `save_every=500` to go on where it was ended" if hasattr(stage, "save_every") else ", or split the stage"),
                )


def limited(facts: Facts) -> Iterator[tuple[AnyStage, float, Callable[[], Span], bool]]:
    """Stages on a queue with a limit: (stage, hours, where that is written, whether the queue starts them again by itself)."""
    graph = facts.graph
    for stage in graph.order:
        if not facts.estimates[stage].flops:
            continue
        limit, slurm = facts.hardware[stage].time_limit, _job(facts, stage)
        if limit is not None and limit > 0:
            yield stage, float(limit), partial(graph.argument, stage, "on"), False
        elif slurm is not None:
            yield stage, slurm[0], partial(graph.pipeline_argument, "launchers"), slurm[1]


def _job(facts: Facts, stage: AnyStage) -> tuple[float, bool] | None:
    """(hours, whether it is requeued) of the job that a stage gets where the pipeline is launched on Slurm; None if nothing limits it."""
    for options in facts.graph.pipeline.launchers:
        if isinstance(options, Slurm):
            own = options.stages.get(stage) or options.stages.get(facts.graph.names[stage])
            wider = (options.gpu, options.job) if facts.hardware[stage].device.accelerator else (options.job,)
            jobs = [job for job in (own, *wider) if isinstance(job, SlurmJob)]
            time = next((job.time for job in jobs if job.time is not None), None)
            requeued = next((job.requeue for job in jobs if job.requeue is not None), True)
            hours = slurm_hours(time) if time is not None else None
            return None if hours is None else (hours, requeued)
    return None


def slurm_hours(time: str) -> float | None:
    """Hours of a time as Slurm reads it: `90`, `90:00`, `1:30:00`, `2-12`, `2-12:00`, `2-12:00:00`; None for what it does not read."""
    if not _TIME(time):
        return None
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    else:
        hours, minutes, seconds = parts if len(parts) == 3 else (0, *parts, 0)[:3]
    found = 24 * int(days or 0) + hours + minutes / 60 + seconds / 3600
    return found if found > 0 else None  # 0 is no limit


def saves(stage: AnyStage) -> bool:
    """Whether a stage writes checkpoints that it can go on from."""
    every: Any = getattr(stage, "save_every", 0)
    return isinstance(every, int) and every > 0
