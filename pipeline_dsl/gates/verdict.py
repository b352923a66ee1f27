"""SHIP or HOLD: a pure function of a manifest, its plan, the store and a baseline.

Every number comes from the store, by digest. What is missing holds.
"""

from collections.abc import Mapping
from typing import Literal

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.gates.chain import verified_records
from pipeline_dsl.gates.difference import Difference, Evidence, difference
from pipeline_dsl.gates.interval import interval
from pipeline_dsl.lang.artifacts import STAGE_KL
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.plan.plan import Plan, PlannedGate
from pipeline_dsl.store.manifest import Manifest
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

Result = Literal["pass", "fail", "unknown"]

NO_BASELINE = "there is no baseline: give one with `--baseline MANIFEST`"
"""Why a gate is unknown that asks for a release, where none was named."""


@attrs.frozen(kw_only=True)
class Row:
    """One gate, judged. Intervals are of 95%. `evidence` is the digest of what the value was read from; `reason` says why it is unknown."""

    gate: str
    metric: str
    unit: str
    operator: str
    value: float | None
    interval: tuple[float, float] | None
    samples: int | None
    threshold: float | None
    baseline: float | None
    baseline_interval: tuple[float, float] | None
    difference: Difference | None
    """The value less the baseline's, for a gate that compares with one."""
    resolved: bool | None
    """Whether the 95% interval, of the difference where there is one, leaves the threshold on one side; None where there is no
    interval. It decides nothing: a gate is on the value."""
    stage: str | None
    evidence: str | None
    result: Result
    reason: str = ""


@attrs.frozen(kw_only=True)
class Verdict:
    """The decision, bound to what it is about: a plan, the records it was run by, and the artifact that ships."""

    ship: bool
    pipeline: str
    plan: str
    artifact: str | None
    records: Mapping[str, str]
    authors: tuple[str, ...]
    """Who ran it, and who ran the stages whose results it has: nobody of them may be its reviewer."""
    baseline: str | None
    rows: tuple[Row, ...]
    reasons: tuple[str, ...]
    """What holds the run beside its gates."""

    @property
    def digest(self) -> Digest:
        """What this verdict is called; it changes with anything that was judged."""
        return digest_plain(unstructure(self))


@attrs.frozen(kw_only=True)
class Run:
    """A manifest with what is needed to judge it."""

    manifest: Manifest
    plan: Plan
    store: Store


def judge(run: Run, baseline: Run | None = None, *, unfit: str = "") -> Verdict:
    """Judge a run by the gates of its plan; `baseline` is a shipped run, for gates that compare with one. `unfit` says why nothing
    may be compared with it, if that is known; then the run holds.

    Raises: DigestMismatch or MissingArtifact if the manifest, the store or the baseline contradict each other.
    """
    records = verified_records(run.manifest, run.plan, run.store)
    before = verified_records(baseline.manifest, baseline.plan, baseline.store) if baseline else {}
    rows = tuple(_row(gate, run, records, baseline, before) for gate in run.plan.gates)
    reasons = [*_reasons(run, records), *(_unfit(baseline, before, records) if baseline else ()), *filter(None, [unfit])]
    artifact = records[run.plan.ships].output if run.plan.ships in records else None
    if artifact is not None:
        run.store.verify(artifact)
    return Verdict(
        ship=not reasons and all(row.result == "pass" for row in rows),
        pipeline=run.plan.pipeline,
        plan=run.plan.digest,
        artifact=artifact,
        records={name: record.digest for name, record in records.items()},
        authors=_authors(run.manifest, records),
        baseline=digest_plain(unstructure(attrs.evolve(baseline.manifest, overrides=()))) if baseline else None,
        rows=rows,
        reasons=tuple(reasons),
    )


def _authors(manifest: Manifest, records: Mapping[str, Record]) -> tuple[str, ...]:
    return tuple(sorted({author for author in (manifest.author, *(record.author for record in records.values())) if author}))


def _reasons(run: Run, records: Mapping[str, Record]) -> list[str]:
    found: list[str] = []
    if run.plan.ships is None:
        found.append("the pipeline ships nothing: declare a server, or `ships=`")
    missing = [stage.name for stage in run.plan.stages if stage.name not in records]
    if missing:
        found.append(f"the run is not complete: {', '.join(missing)} did not finish")
    if run.plan.ships is not None and not run.plan.gates:
        found.append("the plan has no gates")
    return found + _overdrawn(run, records)


def _overdrawn(run: Run, records: Mapping[str, Record]) -> list[str]:
    """The alignment stages that moved their policy further than they declared, or did not say how far."""
    found: list[str] = []
    for stage in run.plan.stages:
        if stage.kl_budget is None or stage.name not in records:
            continue
        moved = run.store.verify(records[stage.name].output).scores.get(STAGE_KL)
        if moved is None:
            found.append(f"`{stage.name}` has a KL budget and recorded no divergence")
        elif not moved.value <= stage.kl_budget:
            found.append(f"`{stage.name}` moved {moved.value:.3g} nats, its KL budget is {stage.kl_budget:g}")
    return found


def _unfit(baseline: Run, before: Mapping[str, Record], records: Mapping[str, Record]) -> list[str]:
    """Why a run is none that another can be compared with."""
    missing = [stage.name for stage in baseline.plan.stages if stage.name not in before]
    if missing:
        return [f"the baseline is not complete: {', '.join(missing)} did not finish"]
    same = {record.digest for record in before.values()} == {record.digest for record in records.values()}
    return ["the baseline is this very run"] if same else []


def _row(gate: PlannedGate, run: Run, records: Mapping[str, Record], baseline: Run | None, before: Mapping[str, Record]) -> Row:
    score, evidence, found = _score(gate.metric, gate.stage, run, records)
    level: float | None = gate.threshold
    compared: Score | None = None
    moved: Difference | None = None
    reason = "" if score else f"`{gate.metric}` was not measured"
    if gate.relative:
        compared, old, why = _baseline_score(gate, run, records, baseline, before)
        level = None if compared is None else compared.value + gate.threshold
        reason = reason or why
        moved = difference(found, old, gate.metric, gate.unit) if found and old else None
    value = score.value if score else None
    result: Result = "unknown"
    if value is not None and level is not None:
        result = "pass" if (value >= level if gate.operator == ">=" else value <= level) else "fail"
    around = interval(score, gate.unit) if score else None
    return Row(
        gate=str(gate),
        metric=gate.metric,
        unit=gate.unit,
        operator=gate.operator,
        value=value,
        interval=around,
        samples=score.samples if score else None,
        threshold=level,
        baseline=compared.value if compared else None,
        baseline_interval=interval(compared, gate.unit) if compared else None,
        difference=moved,
        resolved=_resolved(moved.interval if moved else None if gate.relative else around, gate.threshold),
        stage=gate.stage,
        evidence=evidence,
        result=result,
        reason=reason,
    )


def _resolved(around: tuple[float, float] | None, threshold: float) -> bool | None:
    """Whether an interval lies on one side of what is asked; None where there is none."""
    return None if around is None else not around[0] < threshold < around[1]


def _score(metric: str, stage: str | None, run: Run, records: Mapping[str, Record]) -> tuple[Score | None, str | None, Evidence | None]:
    """A metric's score, the digest it was read from, and, if a stage measured it, the evidence."""
    if stage is None:
        return *_run_score(metric, records), None
    record = records.get(stage)
    if record is None:
        return None, None, None
    tree = run.store.verify(record.output)
    score = tree.scores.get(metric)
    found = Evidence(score=score, tree=tree, stage=run.plan.stage(stage), store=run.store) if score else None
    return score, record.output, found


def _run_score(metric: str, records: Mapping[str, Record]) -> tuple[Score | None, str | None]:
    """What the run as a whole took; unknown as soon as one stage's part is."""
    evidence = digest_plain({name: record.digest for name, record in records.items()})
    if metric == "cost_total_usd":
        costs = [record.cost_usd for record in records.values()]
        if None in costs:
            return None, evidence
        return Score(value=sum(cost or 0.0 for cost in costs), samples=len(costs)), evidence
    if metric == "wall_clock_total_seconds":
        return Score(value=sum(record.wall_clock_sec for record in records.values()), samples=len(records)), evidence
    return None, None


def _baseline_score(
    gate: PlannedGate, run: Run, records: Mapping[str, Record], baseline: Run | None, before: Mapping[str, Record]
) -> tuple[Score | None, Evidence | None, str]:
    if baseline is not None:
        stage = next((old.stage for old in baseline.plan.gates if old.metric == gate.metric and old.stage), gate.stage)
        if stage not in before:
            return None, None, f"the baseline did not measure `{gate.metric}`"
        score, _, found = _score(gate.metric, stage, baseline, before)
        return score, found, "" if score else f"the baseline did not measure `{gate.metric}`"
    declared = run.plan.baseline
    if declared is None or declared.stage is None:
        return None, None, NO_BASELINE
    score, _, found = _score(gate.metric, declared.stage, run, records)
    return score, found, "" if score else f"the baseline `{declared.stage}` did not measure `{gate.metric}`"
