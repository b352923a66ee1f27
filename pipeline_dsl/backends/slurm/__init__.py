"""A Slurm cluster: a batch script a stage, and `submit.sh`, which submits them as one graph."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline_dsl.backends.slurm.cluster import SlurmJobs
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.slurm import Slurm, SlurmJob
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.render.backend import Backend, Rendered
from pipeline_dsl.render.templates import render

GATE = "gate"
"""The job after all stages, which writes the manifest and judges it."""


class SlurmCluster(Backend[Slurm]):
    """One `sbatch` script a stage: it asks for what the plan says that the stage needs, and for what the team's settings say."""

    name = "slurm"
    options = Slurm

    def cluster(self) -> SlurmJobs:
        """The scheduler."""
        return SlurmJobs()

    def render(self, plan: Plan, options: Slurm) -> Iterator[Rendered]:
        for name in options.stages:
            plan.stage(name)
        _refuse_movable(options)
        for stage in plan.stages:
            job = _settled(options, stage)
            text = render(
                __package__ or "",
                "stage.sh.j2",
                plan=plan,
                stage=stage,
                options=options,
                directives=list(_directives(plan, stage, job, options)),
                cpus=job.cpus or max(1, stage.cores // stage.nodes),
                container=_container(options),
                requeue=job.requeue is not False,
            )
            yield Rendered(f"{stage.name}.sh", text, executable=True)
        text = render(
            __package__ or "", "gate.sh.j2", plan=plan, options=options, directives=list(_common(plan, GATE, options.job, options))
        )
        yield Rendered(f"{GATE}.sh", text, executable=True)
        parents = {stage.name: sorted(set(stage.parents)) for stage in plan.stages}
        text = render(__package__ or "", "submit.sh.j2", plan=plan, options=options, parents=parents, gate=GATE)
        yield Rendered("submit.sh", text, executable=True)


def _settled(options: Slurm, stage: PlannedStage) -> SlurmJob:
    """What a stage's job asks for: the narrowest setting that says something."""
    layers = [options.stages.get(stage.name), options.gpu if stage.accelerated else None, options.job]
    return _over([layer for layer in layers if layer is not None])


def _over(layers: list[SlurmJob]) -> SlurmJob:
    chosen: dict[str, Any] = {}
    for layer in reversed(layers):
        chosen |= {name: value for name, value in attrs.asdict(layer, recurse=False).items() if value is not None}
    return SlurmJob(**chosen)


def _common(plan: Plan, name: str, job: SlurmJob, options: Slurm) -> Iterator[str]:
    """The directives of any job, one `--option=value` each."""
    yield f"--job-name={plan.pipeline}-{name}"
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


def _directives(plan: Plan, stage: PlannedStage, job: SlurmJob, options: Slurm) -> Iterator[str]:
    yield from _common(plan, stage.name, job, options)
    yield f"--nodes={stage.nodes}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={job.cpus or max(1, stage.cores // stage.nodes)}"
    yield from _memory(stage, job)
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


def _memory(stage: PlannedStage, job: SlurmJob) -> Iterator[str]:
    asked = {"mem": job.memory, "mem-per-cpu": job.memory_per_cpu, "mem-per-gpu": job.memory_per_gpu}
    given = {option: value for option, value in asked.items() if value is not None}
    if len(given) > 1:
        raise Unrenderable(f"`{stage.name}` asks for memory by {' and '.join(given)}", help="Slurm takes one of them")
    yield from (f"--{option}={value}" for option, value in given.items())


def _refuse_movable(options: Slurm) -> None:
    image = options.image
    if (options.container is None) != (image is None):
        raise Unrenderable("`container` and `image` go together", help='such as container="pyxis", image="registry/name@sha256:..."')
    if image is not None and "@sha256:" not in image and not image.startswith("/"):
        raise Unrenderable(
            f"the image {image} can change under its name", help="name it by digest: `name@sha256:...`, or give the path of a file"
        )


def _container(options: Slurm) -> list[str]:
    """What stands before the stage's command so that it runs in the container; for pyxis, options of srun."""
    if options.image is None:
        return []
    mounts = ",".join(options.mounts)
    if options.container == "pyxis":
        return [
            f"--container-image={options.image}",
            *([f"--container-mounts={mounts}"] if mounts else []),
            "--container-env=PDSL_STOP,PDSL_STORE",
        ]
    image = options.image if options.image.startswith("/") else f"docker://{options.image}"
    return ["apptainer", "exec", "--nv", *([f"--bind={mounts}"] if mounts else []), image]
