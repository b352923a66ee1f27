"""Which stages are done: follow action keys from the first stage on, as far as records reach."""

from typing import Any

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import DigestMismatch
from pipeline_dsl.plan.plan import Plan, PlannedStage, definition, reshape
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


@attrs.define
class Resolution:
    """How far a plan has come: the key of each stage whose inputs exist, the record of each that is done."""

    keys: dict[str, str] = attrs.field(factory=dict[str, str])
    records: dict[str, Record] = attrs.field(factory=dict[str, Record])

    def output(self, name: str) -> str | None:
        """The digest of what a stage made."""
        record = self.records.get(name)
        return record.output if record else None

    def inputs(self, stage: PlannedStage) -> dict[str, Any] | None:
        """The content digests of a stage's inputs, in their shapes; None while one is missing."""
        if any(parent not in self.records for parent in stage.parents):
            return None
        outputs = {parent: self.records[parent].output for parent in stage.parents}
        return {field: reshape(shape, outputs) for field, shape in stage.inputs.items()}


def advance(resolution: Resolution, stage: PlannedStage, store: Store) -> Record | None:
    """Look one stage up, whose parents were looked up before; its record, if it is done.

    Raises: DigestMismatch if its record was changed, or is not of what the stage is pinned to.
    """
    inputs = resolution.inputs(stage)
    if inputs is None:
        return None
    key = definition(stage.type, stage.version, stage.fields, inputs)
    resolution.keys[stage.name] = key
    record = store.record(key)
    if record is not None:
        check_pin(stage, record.output)
        resolution.records[stage.name] = record
    return record


def check_pin(stage: PlannedStage, output: str) -> None:
    """Hold a stage to its pin.

    Raises: DigestMismatch.
    """
    if stage.pin is not None and output != stage.pin:
        raise DigestMismatch(
            f"`{stage.name}` made {short(output)}, it is pinned to {short(stage.pin)}",
            help=f"if the new artifact is meant, write pin={output!r}",
        )


def resolve(plan: Plan, store: Store) -> Resolution:
    """Look every stage of a plan up.

    Raises: DigestMismatch.
    """
    resolution = Resolution()
    for stage in plan.stages:
        advance(resolution, stage, store)
    return resolution
