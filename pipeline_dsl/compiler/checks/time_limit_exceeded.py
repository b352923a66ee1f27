from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod
from pipeline_dsl.lang.slurm import Slurm, SlurmJob, slurm_hours


class TimeLimitExceeded(FactCheck):
    """A stage takes longer than its queue lets a job run, and saves nothing on the way.

    The job is ended at the limit, and all of it is lost; started again, it is ended again. `time_limit` of `Hardware` says what the
    queue allows, in hours; without one, the `time` of the `SlurmJob` that the stage gets does, or the `seconds` of its `Pod`.
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
    """(hours, whether it is requeued) of the job or the pod that a stage gets where the pipeline is launched; None if nothing limits it."""
    for options in facts.graph.pipeline.launchers:
        if isinstance(options, Slurm):
            jobs = [job for job in _asked(facts, stage, options, options.job) if isinstance(job, SlurmJob)]
            time = next((job.time for job in jobs if job.time is not None), None)
            requeued = next((job.requeue for job in jobs if job.requeue is not None), True)
            hours = slurm_hours(time) if time is not None else None
            if hours is not None:
                return hours, requeued
        if isinstance(options, Kubernetes):
            pods = [pod for pod in _asked(facts, stage, options, options.pod) if isinstance(pod, Pod)]
            seconds = next((pod.seconds for pod in pods if pod.seconds is not None), None)
            if seconds is not None and seconds > 0:
                return seconds / 3600, False
    return None


def _asked(facts: Facts, stage: AnyStage, options: Slurm | Kubernetes, widest: object) -> tuple[object, ...]:
    """What a stage is asked for with, from the narrowest setting to the widest."""
    own = options.stages.get(stage) or options.stages.get(facts.graph.names[stage])
    return (own, options.gpu, widest) if facts.hardware[stage].device.accelerator else (own, widest)


def saves(stage: AnyStage) -> bool:
    """Whether a stage writes checkpoints that it can go on from."""
    every: Any = getattr(stage, "save_every", 0)
    return isinstance(every, int) and every > 0
