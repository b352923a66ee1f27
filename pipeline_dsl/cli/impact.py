"""What a difference of two pipelines, or of two of their runs, comes to."""

from collections.abc import Iterator

import attrs

from pipeline_dsl.cli.side import Side
from pipeline_dsl.gates.drift import Drift, drift
from pipeline_dsl.gates.examined import Flag
from pipeline_dsl.plan.comparison import Comparison, Pair, compare
from pipeline_dsl.runner.spent import Spent, Sum, spent, total
from pipeline_dsl.store.record import Record


@attrs.frozen(kw_only=True)
class Impact:
    """Everything that two sides differ in. `costs` has what each stage takes that runs again, as far as a plan or a record says so;
    `unknown` names the others. `drift` is None unless both are runs."""

    old: Side
    new: Side
    comparison: Comparison
    costs: tuple[Spent, ...]
    unknown: tuple[str, ...]
    drift: Drift | None
    flags: tuple[Flag, ...]

    @property
    def cost(self) -> Sum:
        """What running again takes."""
        return total(self.costs)

    @property
    def same(self) -> bool:
        """Whether nothing differs but cost and wall clock."""
        if not self.comparison.same or self.flags:
            return False
        found = self.drift
        return found is None or not (found.shifts or any(movement.old != movement.new for movement in found.movements))


def impact(old: Side, new: Side) -> Impact:
    """Compare two sides."""
    comparison = compare(old.outline, new.outline)
    found = drift(old.run, new.run, comparison.pairs) if old.run and new.run else None
    doubts = tuple(flag for side in (old, new) if side.run for flag in side.run.doubts)
    costs = tuple(_costs(comparison, old, new))
    known = {part.stage.name for part in costs}
    return Impact(
        old=old,
        new=new,
        comparison=comparison,
        costs=costs,
        unknown=tuple(pair.new.name for pair in comparison.invalid if pair.new and pair.new.name not in known),
        drift=found,
        flags=(*(found.flags if found else doubts), *_weaker(comparison)),
    )


def _costs(comparison: Comparison, old: Side, new: Side) -> Iterator[Spent]:
    for pair in comparison.invalid:
        if pair.new is not None and new.plan is not None:
            yield spent(new.plan.stage(pair.new.name), _record(pair, old, new))


def _record(pair: Pair, old: Side, new: Side) -> Record | None:
    """The record of the stage's run; or of its run before, if its own recipe and place are the same."""
    found = new.run.records.get(pair.new.name) if new.run and pair.new else None
    if found is not None or pair.fields or pair.old is None or old.run is None or pair.new is None:
        return found
    before = old.run.records.get(pair.old.name)
    if before is None or new.plan is None:
        return None
    stage = new.plan.stage(pair.new.name)
    return before if (before.device, before.devices) == (stage.device, stage.devices) else None


def _weaker(comparison: Comparison) -> Iterator[Flag]:
    """Gates that let more through than before."""
    for gate in comparison.gates:
        if gate.note:
            text = f"the gate {gate.old} is gone" if gate.kind == "removed" else f"the gate {gate.old} is looser: {gate.new}"
            yield Flag(cause="gate", stage=None, text=text)
