"""A difference as plain data, for a program."""

from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.cli.impact import Impact
from pipeline_dsl.cli.side import Side
from pipeline_dsl.plan.comparison import Pair


def as_data(found: Impact) -> dict[str, Any]:
    """A difference as plain data."""
    compared = found.comparison
    return {
        "version": 1,
        "same": found.same,
        "old": _side_data(found.old),
        "new": _side_data(found.new),
        "pipeline": [unstructure(move) for move in compared.facts],
        "gates": [unstructure(move) for move in compared.gates],
        "stages": [_pair_data(pair) for pair in compared.pairs],
        "invalidated": [pair.new.name for pair in compared.invalid if pair.new],
        "cost": {**unstructure(found.cost), "unknown": list(found.unknown)},
        "costs": [
            {
                "stage": part.stage.name,
                "measured": part.measured,
                "seconds": unstructure(part.seconds),
                "usd": unstructure(part.usd),
                "device": part.stage.device,
                "device_hours": unstructure(part.hours),
            }
            for part in found.costs
        ],
        "metrics": [unstructure(movement) for movement in found.drift.movements] if found.drift else None,
        "ran_otherwise": [unstructure(shift) for shift in found.drift.shifts] if found.drift else None,
        "red_flags": [unstructure(flag) for flag in found.flags],
    }


def _side_data(side: Side) -> dict[str, Any]:
    run = side.run
    return {
        "name": side.label,
        "plan": side.plan.digest if side.plan else run.manifest.plan if run else None,
        "run": None if run is None else {"status": run.manifest.status, "confirmed": sorted(run.records)},
    }


def _pair_data(pair: Pair) -> dict[str, Any]:
    return {
        "old": pair.old.name if pair.old else None,
        "new": pair.new.name if pair.new else None,
        "renamed": pair.renamed,
        "fate": "removed" if pair.new is None else pair.fate,
        "because": list(pair.because),
        "fields": [unstructure(move) for move in pair.fields],
        "execution": [unstructure(move) for move in pair.execution],
    }
