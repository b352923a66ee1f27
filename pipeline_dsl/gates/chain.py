"""The hash chain of a manifest: every claim in it, held against the plan and the store."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import DigestMismatch, MissingArtifact
from pipeline_dsl.plan.plan import Plan, definition, leaves, reshape
from pipeline_dsl.store.manifest import Manifest, Recipe, StageEntry
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


def broken_links(manifest: Manifest) -> Iterator[str]:
    """What contradicts itself in a manifest, without a store: an input that is not what its producer made."""
    for name, entry in manifest.stages.items():
        for field, shape in entry.recipe.inputs.items():
            parents = [parent for parent in leaves(shape) if not isinstance(parent, str) or parent not in manifest.stages]
            if parents:
                yield f"`{name}.{field}` reads {', '.join(map(str, parents))}, which the manifest does not have"
                continue
            made = reshape(shape, {parent: manifest.stages[parent].output_hash for parent in leaves(shape)})
            if made != entry.input_hash.get(field):
                yield f"`{name}.{field}` read {_shown(entry.input_hash.get(field))}, its producer made {_shown(made)}"
        key = definition(entry.recipe.type, entry.recipe.version, entry.recipe.fields, entry.input_hash)
        if key != entry.action:
            yield f"the recipe of `{name}` is not the one that was run: it gives the action {short(key)}, not {short(entry.action)}"


def verified_records(manifest: Manifest, plan: Plan, store: Store) -> dict[str, Record]:
    """The records behind a manifest, each link checked: manifest, plan, record and artifact all say the same.

    Raises: DigestMismatch or MissingArtifact, naming the first stage where they do not.
    """
    for fault in (*broken_links(manifest), *departures(manifest, plan)):
        raise DigestMismatch(f"the manifest's chain is broken: {fault}", help="gate the manifest that the run wrote")
    return {name: verified_record(name, entry, plan, store) for name, entry in manifest.stages.items()}


def verified_record(name: str, entry: StageEntry, plan: Plan, store: Store) -> Record:
    """The record behind one stage of a manifest, which says the same as its plan and its record.

    Raises: DigestMismatch or MissingArtifact, naming the stage.
    """
    planned = plan.stage(name)
    if entry.definition != planned.definition:
        raise DigestMismatch(f"`{name}` is {short(entry.definition)} in the manifest and {short(planned.definition)} in its plan")
    if entry.recipe != Recipe(type=planned.type, version=planned.version, fields=planned.fields, inputs=planned.inputs):
        raise DigestMismatch(f"the recipe of `{name}` is not the one in its plan", help="gate the manifest that the run wrote")
    record = store.record(entry.action)
    if record is None:
        raise MissingArtifact(f"the store has no record of `{name}` ({short(entry.action)})", help="gate with the store of the run")
    _same(name, entry, record)
    return record


def departures(manifest: Manifest, plan: Plan) -> Iterator[str]:
    """What a manifest says otherwise than its plan."""
    claims = {
        "plan": (manifest.plan, plan.digest),
        "pipeline": (manifest.pipeline, plan.pipeline),
        "pipeline_version": (manifest.pipeline_version, plan.pipeline_version),
        "seed": (manifest.seed, plan.seed),
        "gates": (list(manifest.gates), [str(gate) for gate in plan.gates]),
    }
    yield from (f"its {what} is {_shown(said)}, the plan's is {_shown(is_)}" for what, (said, is_) in claims.items() if said != is_)
    names = {stage.name for stage in plan.stages}
    yield from (f"its plan has no stage `{name}`" for name in manifest.stages if name not in names)


def _same(name: str, entry: StageEntry, record: Record) -> None:
    claims: Mapping[str, tuple[Any, Any]] = {
        "record": (entry.record, record.digest),
        "output_hash": (entry.output_hash, record.output),
        "input_hash": (dict(entry.input_hash), dict(record.inputs)),
        "definition": (entry.definition, record.definition),
        "code": (entry.code, record.code),
        "libraries": (dict(entry.libraries), dict(record.libraries)),
    }
    for what, (said, is_) in claims.items():
        if said != is_:
            raise DigestMismatch(
                f"`{name}`: the manifest says {what} {_shown(said)}, the store's record {_shown(is_)}",
                help="the manifest was edited, or the stage was run again since: run the pipeline to write it anew",
            )


def _shown(value: Any) -> str:
    return short(value) if isinstance(value, str) and value.startswith("sha256") else str(value)
