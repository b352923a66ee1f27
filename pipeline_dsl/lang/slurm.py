"""How a team's Slurm cluster is asked for: options of the `slurm` backend."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import attrs

from pipeline_dsl.lang.fields import Count, Whole
from pipeline_dsl.lang.launcher import Launcher, misnamed, within
from pipeline_dsl.lang.stage import Problem

DIRECTIVE = re.compile(r"[A-Za-z0-9_.,:;=+@%/\[\]()*&|!{}~^-]+")
"""A word that can stand in a line of `#SBATCH`, where no quoting helps."""

_TIME = re.compile(r"\d{1,6}(:\d{1,2}){0,2}|\d{1,4}-\d{1,2}(:\d{1,2}){0,2}")
_ENDLESS = frozenset({"infinite", "unlimited"})
_MEMORY = re.compile(r"\d+([KMGTP]B?)?", re.IGNORECASE)
_WORDS = ("partition", "account", "qos", "gpu_type", "constraint", "reservation", "nodelist", "exclude")
_MEMORIES = {"memory": "mem", "memory_per_cpu": "mem-per-cpu", "memory_per_gpu": "mem-per-gpu"}


def slurm_hours(time: str) -> float | None:
    """Hours of a time as Slurm reads it: `90`, `90:00`, `1:30:00`, `2-12`, `2-12:00`, `2-12:00:00`; None for what it does not read."""
    if not _TIME.fullmatch(time):
        return None
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    else:
        hours, minutes, seconds = parts if len(parts) == 3 else (0, *parts, 0)[:3]
    found = 24 * int(days or 0) + hours + minutes / 60 + seconds / 3600
    return found if found > 0 else None  # 0 is no limit


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

    def problems(self) -> Iterator[Problem]:
        """What Slurm would not read, or read as something else."""
        if self.time is not None and not _TIME.fullmatch(self.time) and self.time.lower() not in _ENDLESS:
            yield Problem("time", f"Slurm does not read {self.time!r} as a time", _spelled(self.time))
        for name in _MEMORIES:
            value: str | None = getattr(self, name)
            if value is not None and not _MEMORY.fullmatch(value):
                yield Problem(name, f"Slurm does not read {value!r} as an amount of memory", 'write a whole number and K, M, G or T: "64G"')
        given = [option for name, option in _MEMORIES.items() if getattr(self, name) is not None]
        if len(given) > 1:
            yield Problem("memory", f"the job asks for memory by {' and '.join(given)}", "Slurm takes one of them")
        words = [(name, getattr(self, name)) for name in _WORDS] + [("arguments", word) for word in self.arguments or ()]
        for name, word in words:
            if word is not None and not DIRECTIVE.fullmatch(word):
                help = "use letters, digits and . _ - , : = / only" + (
                    ", and no spaces: `a,b` is either of two" if name == "partition" else ""
                )
                yield Problem(name, f"{word!r} cannot stand in a scheduler's directive", help)
        if self.cpus is not None and self.cpus < 1:
            yield Problem("cpus", f"{self.cpus} processors run nothing", "write how many a node gives the stage, or leave it out")


def _spelled(time: str) -> str:
    """How a time is written; the very one where it is a number and a unit."""
    found = re.fullmatch(r"(\d+)\s*(d|h|m)[a-z]*", time.strip().lower())
    if found is None:
        return 'write "24:00:00" for a day, "2-12:00:00" for two and a half'
    number, unit = int(found[1]), found[2]
    days, hours, minutes = {"d": (number, 0, 0), "h": (*divmod(number, 24), 0), "m": (0, *divmod(number, 60))}[unit]
    return f'write time="{f"{days}-" if days else ""}{hours:02d}:{minutes:02d}:00"'


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
    warning: Whole = 120
    """Seconds before the time limit at which a stage is told to write a checkpoint."""
    restarts: Whole = 5
    """How often a job that was told so may start again without having come further."""
    arrays: bool = False
    """Whether stages of one type that ask for the same and differ only in their fields, such as seeds, are one array of jobs."""
    at_once: Count | None = None
    """How many elements of an array may run at the same time; all of them without a number."""
    release: tuple[str, ...] = ()
    """Lines of shell for a job that starts only if the gate says SHIP, such as `pdsl export "$PDSL_MANIFEST" --out /models/new`
    or `exec pdsl serve "$PDSL_MANIFEST"`. They are run as they are; a pipeline without gates has no such job."""
    release_job: SlurmJob = SlurmJob()
    """What that job asks for, over what `job` says."""
    kill_on_invalid_dependency: bool = True
    """Whether a job whose parent failed is cancelled at once; some clusters forbid the option."""

    def problems(self) -> Iterator[Problem]:
        stages = {f"stages[{getattr(stage, 'name', None) or stage!r}]": job for stage, job in self.stages.items()}
        for path, job in {"job": self.job, "gpu": self.gpu, **stages, "release_job": self.release_job}.items():
            yield from within(path, job.problems())
        if (self.container is None) != (self.image is None):
            help = 'such as container="pyxis", image="registry/name@sha256:..."'
            yield Problem("container" if self.image is None else "image", "`container` and `image` go together", help)
        for mount in self.mounts:
            if "," in mount:
                yield Problem("mounts", f"the mount {mount!r} has a comma, which parts one from the next", "mount a folder above it")
        yield from misnamed("variables", self.variables)
        yield from misnamed("settings", self.settings)
        for name in ("setup", "release"):
            for line in getattr(self, name):
                if any(character in line for character in "\n\r\0"):
                    yield Problem(name, f"{line!r} is not one line of shell", "give each line by itself")
