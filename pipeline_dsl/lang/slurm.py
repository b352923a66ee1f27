"""How a team's Slurm cluster is asked for: options of the `slurm` backend."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs

from pipeline_dsl.lang.launcher import Launcher


@attrs.frozen(kw_only=True)
class SlurmJob:
    """What a stage's job asks for; None leaves it to the next wider setting, and in the end to the cluster.

    Times as Slurm reads them (`2-12:00:00`, `90` minutes), memory likewise (`64G`); at most one of the three memory fields.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str | None = None
    memory: str | None = None
    """Of a node."""
    memory_per_cpu: str | None = None
    memory_per_gpu: str | None = None
    cpus: int | None = None
    """Of a node; without it, as many as the stage keeps busy."""
    gpu_type: str | None = None
    """As the cluster calls it, such as `h100`; without one, any."""
    constraint: str | None = None
    reservation: str | None = None
    nodelist: str | None = None
    exclude: str | None = None
    exclusive: bool | None = None
    requeue: bool | None = None
    """Whether it may be started again after preemption, a time limit or a lost node; without a word, it may."""
    arguments: tuple[str, ...] | None = None
    """Further arguments of `sbatch`, as they are."""


@attrs.frozen(kw_only=True)
class Slurm(Launcher):
    """A Slurm cluster, with a file system that all its nodes share.

    What a job asks for is looked up in `stages`, then in `gpu` (for stages on accelerators), then in `job`.
    """

    backend: ClassVar[str] = "slurm"

    job: SlurmJob = SlurmJob()
    gpu: SlurmJob = SlurmJob()
    stages: Mapping[Any, SlurmJob] = {}
    """By stage, or by a stage's name."""
    command: tuple[str, ...] = ("pdsl",)
    """How `pdsl` is called on a node."""
    setup: tuple[str, ...] = ()
    """Lines of shell before a stage, such as `module load cuda`. They are run as they are."""
    variables: tuple[str, ...] = ()
    """Names of the environment's variables that jobs get from whoever submits, secrets among them; no other crosses."""
    settings: Mapping[str, str] = {}
    """Variables with their values, such as NCCL_SOCKET_IFNAME; never a secret."""
    container: Literal["pyxis", "apptainer"] | None = None
    image: str | None = None
    """What a stage runs in, by digest: `registry/name@sha256:...`, or the path of an image file."""
    mounts: tuple[str, ...] = ()
    """`outside:inside` for the container."""
    gpus: Literal["gpus-per-node", "gres"] = "gpus-per-node"
    """How the cluster wants GPUs to be asked for."""
    warning: int = 120
    """Seconds before the time limit at which a stage is told to write a checkpoint."""
    restarts: int = 5
    """How often a job that was told so may start again without having come further."""
    arrays: bool = False
    """Whether stages of one type that ask for the same and differ only in their fields, such as seeds, are one array of jobs."""
    at_once: int | None = None
    """How many elements of an array may run at the same time; all of them without a number."""
    release: tuple[str, ...] = ()
    """Lines of shell for a job that starts only if the gate says SHIP, such as `pdsl export "$PDSL_MANIFEST" --out /models/new`
    or `exec pdsl serve "$PDSL_MANIFEST"`. They are run as they are; a pipeline without gates has no such job."""
    release_job: SlurmJob = SlurmJob()
    """What that job asks for, over what `job` says."""
    kill_on_invalid_dependency: bool = True
    """Whether a job whose parent failed is cancelled at once; some clusters forbid the option."""
