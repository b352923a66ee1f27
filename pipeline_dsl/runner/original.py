"""A finished run that is to be replayed: its manifest, its plan and its records, which have to say the same."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import DigestMismatch, MissingArtifact, StageFailed
from pipeline_dsl.gates.chain import verified_records
from pipeline_dsl.lang.fields import StageType
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.plan.comparison import moved
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.deviation import Deviation, installed
from pipeline_dsl.runner.history import entry_of
from pipeline_dsl.runner.revive import imported
from pipeline_dsl.runner.sources import Module, code_of, declared_version, declares, find
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.bundle import Index
from pipeline_dsl.store.manifest import Manifest
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree


@attrs.frozen(kw_only=True)
class Original:
    """A run, verified."""

    manifest: Manifest
    plan: Plan
    store: Store
    records: Mapping[str, Record]
    """By the names of the stages that finished."""

    def artifact(self, name: str) -> Tree | None:
        """What a stage made, if the store has all its files; files that look as they did when they were last read are trusted.

        Raises: DigestMismatch if a file is not what its digest says.
        """
        try:
            return self.store.verify(self.records[name].output, read=False)
        except MissingArtifact:
            return None


def original(path: Path, store: Store) -> Original:
    """The run that a manifest tells of.

    Raises: Usage; BadFile; MissingArtifact; DigestMismatch, naming the field, if manifest, plan and records contradict each other.
    """
    return checked(manifests.read(path), store)


def checked(manifest: Manifest, store: Store) -> Original:
    """The run that a manifest tells of, which was read before.

    Raises: MissingArtifact; DigestMismatch.
    """
    plan = store.plan(manifest.plan)
    for place, said, was in _edited(manifest, plan, store):
        raise DigestMismatch(f"the manifest was edited: `{place}` is {said!r:.80} in it, it was {was!r:.80}", help=_RAN)
    records = verified_records(manifest, plan, store)
    return Original(manifest=manifest, plan=plan, store=store, records=records)


_RAN = "replay the manifest that the run wrote; for another field, write another pipeline and name it with `--pipeline`"


def _edited(manifest: Manifest, plan: Plan, store: Store) -> Iterator[tuple[str, object, object]]:
    """Where a manifest says otherwise than the records that it names: the place, what it says, what they say."""
    known = {stage.name: stage for stage in plan.stages}
    for name, entry in manifest.stages.items():
        record = store.record(entry.action) if name in known else None
        if record is not None:
            for move in moved(unstructure(entry), unstructure(entry_of(known[name], record, store)), name):
                yield move.field, move.old, move.new


def of_code(
    run: Original, folders: Sequence[Path], bundle: Index | None = None, source: Path | None = None, *, guarded: bool = False
) -> list[Deviation]:
    """The modules whose code is otherwise here, or is not here; nothing is imported. `source` has the modules of the bundle.

    `guarded`: what a stranger's run names counts as here only if the module's text declares such a class.
    """
    found: list[Deviation] = []
    seen: dict[str, Module | None] = {}
    for name, record in run.records.items():
        module_name, _, cls = record.type.partition(":")
        module = seen[module_name] = find(module_name, folders)
        if module is None or (guarded and not declares(module, cls)):
            found.append(Deviation(what="code", name=record.type, recorded=record.code, here=None, stages=(name,)))
            continue
        version = declared_version(module, cls)
        if version not in (None, record.version):
            found.append(Deviation(what="version", name=record.type, recorded=record.version, here=version, stages=(name,)))
        recorded = record.code
        if _minor(record.python) != _minor(sys.version):  # another Python spells the same code otherwise
            bundled = find(module_name, [source]) if source else None
            if bundled is None:
                continue
            recorded = code_of(bundled)
        if recorded != code_of(module):
            found.append(Deviation(what="code", name=module_name, recorded=recorded, here=code_of(module), stages=(name,)))
    if bundle and source:
        found += _of_others(bundle, source, folders, seen)
        for name, version in bundle.distributions.items():
            if installed(name) != version:
                found.append(Deviation(what="package", name=name, recorded=version, here=installed(name)))
    return found


def _of_others(bundle: Index, source: Path, folders: Sequence[Path], seen: Mapping[str, Module | None]) -> Iterator[Deviation]:
    """The modules of a bundle that stage types do not stand in, but are imported beside them."""
    for inside in bundle.source:
        name = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        here, theirs = find(name, folders), find(name, [source])
        if name not in seen and here and theirs and code_of(here) != code_of(theirs):
            yield Deviation(what="code", name=name, recorded=code_of(theirs), here=code_of(here))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def of_types(
    run: Original, stages: Sequence[PlannedStage], folders: Sequence[Path], *, guarded: bool = False
) -> tuple[dict[str, StageType], list[Deviation]]:
    """The stage types of stages, imported, also of those that they read, and where they are not those that the stages were planned with.

    Raises: StageFailed if one cannot be imported.
    """
    types: dict[str, StageType] = {}
    found: list[Deviation] = []
    for stage in stages:
        described = types[stage.name] = stage_type(_class(run.plan, stage, folders, guarded))
        if described.cls.version != stage.version:
            found.append(
                Deviation(what="version", name=stage.type, recorded=stage.version, here=described.cls.version, stages=(stage.name,))
            )
        theirs, ours = {*stage.fields, *stage.inputs}, {field.name for field in (*described.identity, *described.inputs)}
        for name in sorted(theirs ^ ours):
            was = stage.fields.get(name, stage.inputs.get(name))
            found.append(Deviation(what="field", name=name, recorded=was, here=None if name in theirs else "a field", stages=(stage.name,)))
        for parent in set(stage.parents) - types.keys():
            _class(run.plan, run.plan.stage(parent), folders, guarded)
    return types, found


def _class(plan: Plan, stage: PlannedStage, folders: Sequence[Path], guarded: bool) -> type:
    name, _, cls = stage.type.partition(":")
    module = find(name, folders)
    if module is None or (guarded and not declares(module, cls)):
        raise StageFailed(f"the code of `{stage.name}`, {stage.type}, is not here")
    return imported(attrs.evolve(plan, root=str(module.root)), stage)
