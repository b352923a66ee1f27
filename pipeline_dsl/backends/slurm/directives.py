"""What a job asks Slurm for: one `--option=value` each, from the narrowest setting that says something."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.slurm import Slurm, SlurmJob
from pipeline_dsl.plan.plan import PlannedStage


def settled(options: Slurm, stage: PlannedStage) -> SlurmJob:
    """What a stage's job asks for, as `stages`, `gpu` and `job` say in this order."""
    return _over(options.stages.get(stage.name), options.gpu if stage.accelerated else None, options.job)


def releasing(options: Slurm) -> SlurmJob:
    """What the job asks for that releases what the gate let out."""
    return _over(options.release_job, options.job)


def _over(*layers: SlurmJob | None) -> SlurmJob:
    chosen: dict[str, Any] = {}
    for layer in reversed(layers):
        if layer is not None:
            said = {name: value for name, value in attrs.asdict(layer, recurse=False).items() if value is not None}
            if not _MEMORY.isdisjoint(said):  # it replaces a wider setting's, in whatever way that asks
                chosen = {name: value for name, value in chosen.items() if name not in _MEMORY}
            chosen |= said
    return SlurmJob(**chosen)


_MEMORY = frozenset({"memory", "memory_per_cpu", "memory_per_gpu"})


def cores(stage: PlannedStage, job: SlurmJob) -> int:
    """CPUs of each of a stage's nodes."""
    return job.cpus or max(1, stage.cores // stage.nodes)


def common(title: str, job: SlurmJob, options: Slurm) -> Iterator[str]:
    """The directives of any job; `title` is its name."""
    yield f"--job-name={title}"
    asked: Mapping[str, Any] = {
        "partition": job.partition,
        "account": job.account,
        "qos": job.qos,
        "time": job.time,
        "constraint": job.constraint,
        "reservation": job.reservation,
        "nodelist": job.nodelist,
        "exclude": job.exclude,
    }
    yield from (f"--{option}={value}" for option, value in asked.items() if value is not None)
    if options.kill_on_invalid_dependency:
        yield "--kill-on-invalid-dep=yes"


def of_stage(title: str, stage: PlannedStage, job: SlurmJob, options: Slurm) -> Iterator[str]:
    """The directives of a stage's job.

    Raises: Unrenderable if it asks for memory in two ways.
    """
    yield from common(title, job, options)
    yield f"--nodes={stage.nodes}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={cores(stage, job)}"
    yield from memory(stage.name, job)
    if stage.accelerated:
        kind = f"{job.gpu_type}:" if job.gpu_type else ""
        number = stage.devices // stage.nodes
        yield f"--gpus-per-node={kind}{number}" if options.gpus == "gpus-per-node" else f"--gres=gpu:{kind}{number}"
    if job.exclusive:
        yield "--exclusive"
    if job.requeue is not False:
        yield from ("--requeue", f"--signal=B:USR1@{options.warning}")
    else:
        yield "--no-requeue"
    yield "--open-mode=append"
    yield from job.arguments or ()


def memory(name: str, job: SlurmJob) -> Iterator[str]:
    """How much memory is asked for, in one way.

    Raises: Unrenderable.
    """
    asked = {"mem": job.memory, "mem-per-cpu": job.memory_per_cpu, "mem-per-gpu": job.memory_per_gpu}
    given = {option: value for option, value in asked.items() if value is not None}
    if len(given) > 1:
        raise Unrenderable(f"`{name}` asks for memory by {' and '.join(given)}", help="Slurm takes one of them")
    yield from (f"--{option}={value}" for option, value in given.items())
