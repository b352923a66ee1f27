"""The last good artifact of a stage: what an earlier run of it made, verified byte by byte."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.plan.plan import Plan, PlannedStage, bare
from pipeline_dsl.runner.history import Change, changes
from pipeline_dsl.runner.standing import intact
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.manifest import StageEntry
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


@attrs.frozen(kw_only=True)
class Good:
    """An artifact that can be fallen back to. `run` is the manifest that names it, None if only the store remembers; `changed` says
    what is declared otherwise now."""

    output: str
    record: str
    run: str | None
    started: float
    metrics: Mapping[str, float]
    changed: tuple[Change, ...] = ()


def last_good(plan: Plan, stage: PlannedStage, store: Store, without: Collection[str]) -> Good | None:
    """What a stage made when it last ran well, other than by the actions in `without`; None if the store has no such artifact.

    It is looked for in the manifests of the pipeline's runs, by the stage's type and its name, whose number may be another, and among
    the store's records, by its definition. Of those whose every byte is what its digest says, it is the newest.
    """
    found = [known for known in _candidates(plan, stage, store) if known[0].key not in without]
    for record, path, entry in sorted(found, key=lambda known: (known[0].started, known[1] is not None), reverse=True):
        try:
            tree = store.verify(record.output)
        except Fault:  # damaged or gone: an older one may be whole
            continue
        return Good(
            output=record.output,
            record=record.digest,
            run=None if path is None else str(path),
            started=record.started,
            metrics={name: score.value for name, score in tree.scores.items()},
            changed=() if entry is None else tuple(changes(stage, {stage.name: entry})),
        )
    return None


def _candidates(plan: Plan, stage: PlannedStage, store: Store) -> Iterator[tuple[Record, Path | None, StageEntry | None]]:
    for path in store.layout.runs.glob("*/manifest.yaml"):
        try:
            manifest = manifests.read(path)
        except Fault:  # of a run that can no longer be read nothing is known
            continue
        entry = _entry(stage, manifest.stages) if manifest.pipeline == plan.pipeline else None
        record = intact(store, entry.action) if entry else None
        if entry and record and (record.digest, record.output) == (entry.record, entry.output_hash):
            yield record, path, entry
    for path in store.files("actions"):
        record = intact(store, store.named(path))
        if record and record.definition == stage.definition:
            yield record, None, None


def _entry(stage: PlannedStage, before: Mapping[str, StageEntry]) -> StageEntry | None:
    alike = {name: entry for name, entry in before.items() if entry.recipe.type == stage.type}
    return alike.get(stage.name) or next((entry for name, entry in alike.items() if bare(name) == bare(stage.name)), None)
