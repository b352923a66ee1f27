"""One stage, run: the same for the local runner, a Slurm job and a pod.

It trusts nobody: it looks its parents' records up itself, reads every byte of its inputs against their digests, and writes
its own record last. A stage that was done before is not done again.
"""

import fcntl
import json
import math
import os
import resource
import shutil
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.fault import AlreadyRunning, BadFile, Exit, Fault, OverBudget, StageFailed, StoreFull, Unresolved, WrongArtifact
from pipeline_dsl.lang.artifact import Artifact, kind_name
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.plan.plan import Plan, PlannedStage, definition
from pipeline_dsl.runner import tracking
from pipeline_dsl.runner.code import code_digest
from pipeline_dsl.runner.machine import this_machine
from pipeline_dsl.runner.overdraft import overdraft
from pipeline_dsl.runner.resolve import Resolution, advance, check_pin, resolve
from pipeline_dsl.runner.revive import class_of, imported, revive
from pipeline_dsl.runner.workspace import LocalWorkspace, check_inputs
from pipeline_dsl.store.files import raise_if_full
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import files_under

VERSION = "0.1.0"


@attrs.frozen(kw_only=True)
class Terms:
    """How a stage is to be run, none of which may change what it makes."""

    threads: int = 1
    force: bool = False
    """Run it even if it was done before."""
    wait: bool = False
    """Wait for another process that is running the same stage, rather than refuse."""
    git_commit: str | None = None
    author: str | None = None
    capped: bool = False
    """Hold it if the plan's budget has too little left. `pdsl run` sees to that itself, where several stages run at a time."""
    given: Mapping[str, Record] | None = None
    """The records of its parents, for a replay; without them, they are looked up in the store."""


def run_stage(plan: Plan, name: str, store: Store, terms: Terms) -> Record:
    """Make sure that a stage's artifact is in the store, and return its record.

    Raises: Unresolved if a parent is not done; DigestMismatch; AlreadyRunning; OverBudget; StageFailed and its relatives.
    """
    planned = plan.stage(name)
    resolution, key = resolved(plan, planned, store) if terms.given is None else taken(planned, terms.given)
    with locked(store, key, name, wait=terms.wait):
        done = store.record(key)
        if done is not None and not terms.force:
            check_pin(planned, done.output)
            store.verify(done.output, read=False)
            return done
        refused = overdraft(plan, planned, resolve(plan, store).records.values()) if terms.capped else None
        if refused is not None:
            raise refused
        try:
            with _followed(plan, planned, key, store, terms):
                record = _make(plan, planned, key, resolution, store, terms)
                store.finish(record)
        except OSError as error:
            try:
                raise_if_full(error, store.layout.stage(key))
            except StoreFull:
                shutil.rmtree(store.layout.stage(key) / "output", ignore_errors=True)  # half made; the manifest needs the space
                raise
            raise
        store.forget_work(key)
        return record


def _followed(plan: Plan, planned: PlannedStage, key: str, store: Store, terms: Terms) -> AbstractContextManager[None]:
    """What tells the experiment tracker of a stage; of a replay it is not told."""
    if terms.given is not None:
        return nullcontext()
    return tracking.followed(plan, planned, key, store, terms.author, terms.git_commit, anew=terms.force)


def resolved(plan: Plan, planned: PlannedStage, store: Store) -> tuple[Resolution, str]:
    """What a stage's ancestors made, and the stage's own action key.

    Raises: Unresolved if a parent is not done; DigestMismatch.
    """
    needed = plan.ancestors({planned.name})
    resolution = Resolution()
    for stage in plan.stages:
        if stage.name in needed and stage.name != planned.name:
            advance(resolution, stage, store)
    inputs = resolution.inputs(planned)
    if inputs is None:
        missing = [parent for parent in planned.parents if parent not in resolution.records]
        raise Unresolved(f"`{planned.name}` needs {', '.join(missing)}, which is not done", help="run the pipeline, or that stage first")
    key = definition(planned.type, planned.version, planned.fields, inputs)
    return resolution, key


def taken(planned: PlannedStage, parents: Mapping[str, Record]) -> tuple[Resolution, str]:
    """The same of parents that are given, whatever the store has of them."""
    resolution = Resolution(records=dict(parents))
    return resolution, definition(planned.type, planned.version, planned.fields, resolution.inputs(planned) or {})


@contextmanager
def locked(store: Store, key: str, name: str, *, wait: bool) -> Generator[None]:
    """Hold a stage's lock, which the system releases however this process ends.

    Raises: AlreadyRunning, unless it may `wait`.
    """
    store.layout.locks.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(store.layout.locks / tail(key), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"another process is running `{name}` on the same inputs",
                help="wait for it; `pdsl status` shows how far it is",
            ) from error
        yield
    finally:
        os.close(descriptor)


def _make(plan: Plan, planned: PlannedStage, key: str, resolution: Resolution, store: Store, terms: Terms) -> Record:
    parents = sorted(set(planned.parents))
    digests = {parent: resolution.records[parent].output for parent in parents}
    trees = {parent: store.verify(digests[parent]) for parent in parents}
    find = class_of if terms.given is None else imported  # what is given is there, whatever its stage type has become since
    kinds: dict[str, type[Artifact]] = {parent: stage_type(find(plan, plan.stage(parent))).produces for parent in parents}
    stage, described, names = revive(plan, planned)
    check_inputs(described, planned.inputs, trees, kinds)
    folder = store.layout.stage(key)
    for part in ("output", "inputs"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for part in ("output", "scratch"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    seed = planned.fields.get("seed", plan.seed)
    work = LocalWorkspace(folder, store, seed=seed, threads=terms.threads, names=names, trees=trees, digests=digests, kinds=kinds)
    started, clock, before = time.time(), time.monotonic(), _cpu()
    made = stage.run(work)
    wall = time.monotonic() - clock
    _check_output(made, described.produces, work, planned)
    for parent in parents:
        store.verify(digests[parent], read=False)  # a stage that wrote to its inputs is found here
    output = store.add(work.output, kind=kind_name(described.produces), meta=unstructure(made), scores=made.scores)
    check_pin(planned, output)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Record(
        key=key,
        definition=planned.definition,
        type=planned.type,
        version=planned.version,
        kind=planned.kind,
        fields=planned.fields,
        inputs=resolution.inputs(planned) or {},
        output=output,
        started=round(started, 3),
        wall_clock_sec=round(wall, 3),
        cpu_sec=round(_cpu() - before, 3),
        peak_memory=max(item.ru_maxrss for item in usage) * 1024,
        cost_usd=None if planned.hourly_usd is None else planned.hourly_usd * planned.devices * wall / 3600,
        device=planned.device,
        devices=planned.devices,
        libraries=dict(sorted(work.libraries.items())),
        machine=this_machine(),
        code=code_digest(described.cls),
        git_commit=terms.git_commit,
        pdsl=VERSION,
        python=sys.version.split()[0],
        author=terms.author,
    )


def _check_output(made: Any, produces: type[Artifact], work: LocalWorkspace, planned: PlannedStage) -> None:
    if not isinstance(made, produces):
        raise WrongArtifact(
            f"`{planned.name}` returned {type(made).__name__}, not {produces.__name__}", help="return the artifact's metadata from `run`"
        )
    for _ in files_under(work.output):  # a pipe would make a check that opens it wait for ever
        continue
    faults = list(produces.check(work.output))
    if faults:
        raise WrongArtifact(f"what `{planned.name}` made is no {produces.__name__}: " + "; ".join(faults))
    for name, score in made.scores.items():
        if not isinstance(score, Score) or not math.isfinite(score.value):
            raise WrongArtifact(f"`{planned.name}` scored `{name}` as {score}", help="a score is a `Score` of a finite number")
    try:
        structure(json.loads(spell(unstructure(made))), produces, what="its metadata")  # what a later stage will read
    except (BadFile, TypeError, ValueError) as error:
        reason = error.message if isinstance(error, BadFile) else str(error)
        raise WrongArtifact(f"the metadata of `{planned.name}` cannot be read back: {reason}", help="give each field its type") from error


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def fault_of(error: BaseException, name: str) -> Fault:
    """Any exception of a stage's own code as a fault that says that a stage failed, or that bytes are not what they were."""
    if isinstance(error, Fault):
        ours = error.exit in (Exit.STAGE, Exit.DIGEST) or isinstance(error, OverBudget)
        return error if ours else StageFailed(f"`{name}`: {error.message}", help=error.help)
    if isinstance(error, SystemExit):
        return StageFailed(f"`{name}` called sys.exit({error.code!r})", help="return the artifact's metadata from `run`, or raise")
    return StageFailed(f"`{name}` raised {type(error).__name__}: {error}")
