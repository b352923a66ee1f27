"""From records to a manifest, and from earlier manifests to why a stage runs again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.resolve import Resolution
from pipeline_dsl.store.manifest import Manifest, Recipe, Rollback, Signed, StageEntry, Status
from pipeline_dsl.store.proposal import promised
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


def manifest_of(
    plan: Plan,
    store: Store,
    resolution: Resolution,
    status: Status,
    failed: str | None,
    reason: str | None,
    commit: str | None,
    author: str | None = None,
    overrides: tuple[Signed, ...] = (),
) -> Manifest:
    """The manifest of a plan as far as its stages have records; `overrides` stay with it, and count as long as the verdict is the same."""
    entries = {
        stage.name: entry_of(stage, resolution.records[stage.name], store) for stage in plan.stages if stage.name in resolution.records
    }
    costs = [entry.cost_usd for entry in entries.values()]
    return Manifest(
        pipeline=plan.pipeline,
        pipeline_version=plan.pipeline_version,
        seed=plan.seed,
        git_commit=commit,
        author=author,
        plan=plan.digest,
        status=status,
        failed_stage=failed,
        reason=reason,
        stages=entries,
        pending=tuple(stage.name for stage in plan.stages if stage.name not in entries),
        gates=tuple(str(gate) for gate in plan.gates),
        **promised(plan),
        cost_total_usd=None if None in costs else round(sum(cost or 0.0 for cost in costs), 6),
        wall_clock_total_sec=round(sum(entry.wall_clock_sec for entry in entries.values()), 3),
        overrides=overrides,
    )


def entry_of(stage: PlannedStage, record: Record, store: Store) -> StageEntry:
    """What a manifest says of a stage that has this record."""
    tree = store.tree(record.output)
    return StageEntry(
        recipe=Recipe(type=stage.type, version=stage.version, fields=stage.fields, inputs=stage.inputs),
        kind=tree.kind,
        definition=stage.definition,
        action=record.key,
        record=record.digest,
        input_hash=record.inputs,
        output_hash=record.output,
        wall_clock_sec=record.wall_clock_sec,
        cost_usd=None if record.cost_usd is None else round(record.cost_usd, 6),
        metrics={name: round(score.value, 6) for name, score in tree.scores.items()},
        libraries=record.libraries,
        hardware=record.hardware,
        code=record.code,
        on=stage.place or None,
        execution=stage.execution or None,
        rollback=Rollback(tier=stage.tier, action=stage.on_failure),
        declares=stage.declares or None,
    )


@attrs.frozen
class Change:
    """Why a stage that ran before runs again: a field, from what to what, or a sentence."""

    field: str | None
    old: Any = None
    new: Any = None
    text: str = ""


def changes(stage: PlannedStage, before: Mapping[str, StageEntry]) -> list[Change]:
    """What is different about a stage since the manifest that has `before`: its own fields first, then its inputs."""
    entry = before.get(stage.name) or next(
        (found for found in before.values() if found.recipe.type == stage.type and found.recipe.inputs == dict(stage.inputs)), None
    )
    if entry is None:
        return [Change(None, text="never run")]
    found: list[Change] = []
    if entry.recipe.type != stage.type:
        return [Change(None, text=f"was a {entry.recipe.type}")]
    if entry.recipe.version != stage.version:
        found.append(Change("version", entry.recipe.version, stage.version))
    for name in sorted({*entry.recipe.fields, *stage.fields}):
        old, new = entry.recipe.fields.get(name), stage.fields.get(name)
        if old != new:
            found.append(Change(name, old, new))
    for name in sorted({*entry.recipe.inputs, *stage.inputs}):
        old, new = entry.recipe.inputs.get(name), stage.inputs.get(name)
        if old != new:
            found.append(Change(name, old, new))
    return found


def latest_manifest(runs: Path, pipeline: str) -> Path | None:
    """The manifest of a pipeline that was written last, of whichever plan; None if it never ran."""
    found = [path for path in runs.glob(f"{pipeline}-*/manifest.yaml") if path.parent.name[: -len("-0123456789ab")] == pipeline]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
