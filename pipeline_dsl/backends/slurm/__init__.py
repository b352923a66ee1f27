"""A Slurm cluster: a batch script a stage, and `submit.sh`, which submits them as one graph."""

from collections.abc import Iterator

from pipeline_dsl.backends.slurm.arrays import Array, sweeps
from pipeline_dsl.backends.slurm.cluster import SlurmJobs
from pipeline_dsl.backends.slurm.directives import common, cores, memory, of_stage, releasing, settled
from pipeline_dsl.backends.slurm.zero import configurations
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.slurm import Slurm
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.render.backend import Backend, Rendered
from pipeline_dsl.render.templates import render

GATE = "gate"
"""The job after all stages, which writes the manifest and judges it."""

RELEASE = "release"
"""The job after the gate, which starts only if it says SHIP."""

SUBMIT = "submit"
"""What submits them all."""


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
        _refuse_taken(plan)
        _refuse_movable(options)
        arrays = _arrays(plan, options)
        for stage in plan.stages:
            yield _script(plan, options, stage, None)
        for array in arrays:
            if len(array.members) > 1:
                yield _script(plan, options, plan.stage(next(iter(array.members.values()))), array)
        yield from configurations(plan)
        releases = bool(options.release and plan.gates)
        told = {"plan": plan, "options": options, "gate": GATE, "release": RELEASE if releases else ""}
        asked = list(common(f"{plan.pipeline}-{GATE}", options.job, options))
        yield Rendered(f"{GATE}.sh", render(__package__ or "", "gate.sh.j2", **told, directives=asked), executable=True)
        if releases:
            job = releasing(options)
            asked = [*common(f"{plan.pipeline}-{RELEASE}", job, options), *memory(RELEASE, job)]
            text = render(__package__ or "", "release.sh.j2", **told, directives=asked, job=job)
            yield Rendered(f"{RELEASE}.sh", text, executable=True)
        parents = {stage.name: sorted(set(stage.parents)) for stage in plan.stages}
        yield Rendered(f"{SUBMIT}.sh", render(__package__ or "", "submit.sh.j2", **told, parents=parents, arrays=arrays), executable=True)


def _arrays(plan: Plan, options: Slurm) -> list[Array]:
    """The stages in the order of submission, each alone unless arrays are wanted."""
    if not options.arrays:
        return [Array(stage.name, {0: stage.name}) for stage in plan.stages]
    return sweeps(plan, lambda stage: (stage.type, tuple(of_stage("", stage, settled(options, stage), options))))


def _script(plan: Plan, options: Slurm, stage: PlannedStage, array: Array | None) -> Rendered:
    """The script of one stage, or of an array of stages that ask for the same."""
    job = settled(options, stage)
    name = array.name if array else stage.name
    text = render(
        __package__ or "",
        "stage.sh.j2",
        plan=plan,
        stage=stage,
        array=name,
        members=array.members if array else {},
        options=options,
        directives=list(of_stage(f"{plan.pipeline}-{name}", stage, job, options)),
        cpus=cores(stage, job),
        container=_container(options),
        requeue=job.requeue is not False,
    )
    return Rendered(f"{name}.sh", text, executable=True)


def _refuse_taken(plan: Plan) -> None:
    for name in sorted({GATE, RELEASE, SUBMIT} & {stage.name for stage in plan.stages}):
        raise Unrenderable(f"a stage is called `{name}`, and so is a file of ours", help="give the stage another name")


def _refuse_movable(options: Slurm) -> None:
    image = options.image
    if (options.container is None) != (image is None):
        raise Unrenderable("`container` and `image` go together", help='such as container="pyxis", image="registry/name@sha256:..."')
    if image is not None and "@sha256:" not in image and not image.startswith("/"):
        raise Unrenderable(
            f"the image {image} can change under its name", help="name it by digest: `name@sha256:...`, or give the path of a file"
        )


def _container(options: Slurm) -> dict[str, str]:
    """What the template says of the container; project and store are mounted by their own names whatever `mounts` adds."""
    if options.image is None:
        return {}
    for mount in options.mounts:
        if "," in mount:
            raise Unrenderable(f"the mount {mount!r} has a comma, which parts one from the next", help="mount a folder above it")
    ours = ("PDSL_AUTHOR", "PDSL_STOP", "PDSL_STORE", "PDSL_NODES", "PDSL_NODE", "PDSL_RENDEZVOUS", "PDSL_ATTEMPT", "SRUN_CPUS_PER_TASK")
    return {
        "image": options.image if options.container == "pyxis" or options.image.startswith("/") else f"docker://{options.image}",
        "mounts": "".join(f",{mount}" for mount in options.mounts),
        "names": ",".join((*ours, *options.settings, *options.variables)),
    }
