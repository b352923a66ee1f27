"""One run, as far as its store confirms what its manifest says."""

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from pipeline_dsl.base.fault import Fault, MissingArtifact
from pipeline_dsl.gates.chain import broken_links, departures, verified_record
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.manifest import Manifest, StageEntry
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree

Cause = Literal["chain", "claim", "artifact", "metric", "time", "cost", "code", "environment", "gate"]


@attrs.frozen(kw_only=True)
class Flag:
    """What is not as it should be, of which stage, or of the run as a whole."""

    cause: Cause
    stage: str | None
    text: str


@attrs.frozen(kw_only=True)
class Examined:
    """A manifest with its plan, if that is here, and what the store has of it: all else in the manifest is only claimed.

    `records` and `trees` are those of the stages that the store confirms; `doubts` are the contradictions.
    """

    manifest: Manifest
    plan: Plan | None
    store: Store
    records: Mapping[str, Record]
    trees: Mapping[str, Tree]
    doubts: tuple[Flag, ...]


def examine(manifest: Manifest, plan: Plan | None, store: Store) -> Examined:
    """Hold a manifest against its plan and its store; what contradicts is reported, not raised."""
    doubts = [Flag(cause="chain", stage=None, text=fault) for fault in broken_links(manifest)]
    if plan is not None:
        doubts += [Flag(cause="chain", stage=None, text=fault) for fault in departures(manifest, plan)]
    records: dict[str, Record] = {}
    trees: dict[str, Tree] = {}
    for name, entry in manifest.stages.items():
        if plan is None:
            break
        try:
            record = verified_record(name, entry, plan, store)
            tree = store.verify(record.output, read=False)
        except MissingArtifact:  # of another store, perhaps: nothing is known against it, nor for it
            continue
        except Fault as fault:
            doubts.append(Flag(cause="chain", stage=name, text=fault.message))
            continue
        records[name], trees[name] = record, tree
        doubts += [Flag(cause="claim", stage=name, text=text) for text in _claims(entry, record, tree)]
    doubts += [Flag(cause="claim", stage=None, text=text) for text in _totals(manifest)]
    return Examined(manifest=manifest, plan=plan, store=store, records=records, trees=trees, doubts=tuple(doubts))


def _claims(entry: StageEntry, record: Record, tree: Tree) -> Iterator[str]:
    """Figures of a manifest that are not those of the store, rounded as a manifest rounds them."""
    figures = {f"{name}": round(score.value, 6) for name, score in tree.scores.items()}
    for name in sorted({*entry.metrics, *figures}):
        if entry.metrics.get(name) != figures.get(name):
            yield f"the manifest claims {name} {_said(entry.metrics.get(name))}, the store has {_said(figures.get(name))}"
    usd = None if record.cost_usd is None else round(record.cost_usd, 6)
    if entry.cost_usd != usd:
        yield f"the manifest claims {_said(entry.cost_usd)} USD, the store has {_said(usd)}"
    if entry.wall_clock_sec != record.wall_clock_sec:
        yield f"the manifest claims {_said(entry.wall_clock_sec)} seconds, the store has {_said(record.wall_clock_sec)}"
    if entry.hardware != record.hardware:
        yield f"the manifest claims hardware {entry.hardware}, the store has {record.hardware}"


def _totals(manifest: Manifest) -> Iterator[str]:
    """Totals of a manifest that are not the sums of its own stages."""
    entries = list(manifest.stages.values())
    seconds = sum(entry.wall_clock_sec for entry in entries)
    if abs(manifest.wall_clock_total_sec - seconds) > _ROUNDED * (1 + len(entries)):
        yield f"its total is {_said(manifest.wall_clock_total_sec)} seconds, its stages add up to {seconds:.3f}"
    costs = [entry.cost_usd for entry in entries]
    usd = None if None in costs else sum(cost or 0.0 for cost in costs)
    if (usd is None) != (manifest.cost_total_usd is None):
        yield f"its total is {_said(manifest.cost_total_usd)} USD, its stages add up to {_said(usd)}"
    elif usd is not None and abs((manifest.cost_total_usd or 0.0) - usd) > 1e-6 * (1 + len(entries)):
        yield f"its total is {_said(manifest.cost_total_usd)} USD, its stages add up to {usd:.6f}"


_ROUNDED = 1e-3


def _said(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.8g}"
