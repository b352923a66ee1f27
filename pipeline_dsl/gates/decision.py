"""The decision: a verdict with the overrides that count, at one moment. Whatever lets a model out asks here, and nowhere else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Held
from pipeline_dsl.gates.contamination import Contaminated, contaminated, has_contaminated
from pipeline_dsl.gates.exemption import Exempted, exempted
from pipeline_dsl.gates.override import Case, Standing, lacks_baseline, standing
from pipeline_dsl.gates.policy import Policy
from pipeline_dsl.gates.release import results
from pipeline_dsl.gates.statement import spelled
from pipeline_dsl.gates.verdict import Row, Run, Verdict
from pipeline_dsl.plan.plan import PlannedGate
from pipeline_dsl.store.log import Log

Outcome = Literal["SHIP", "SHIP by override", "HOLD"]


@attrs.frozen(kw_only=True)
class Decision:
    """What is let out, and by whose word."""

    outcome: Outcome
    verdict: Verdict
    overridden: Mapping[int, tuple[Standing, ...]]
    """The overrides that let a gate pass, by its place in the verdict's rows."""
    reasons: tuple[str, ...]
    """What still holds the run."""
    notes: tuple[str, ...]
    """The overrides that do not count, with why, and what is odd about those that do."""
    policy: str | None
    """The digest of the policy that the overrides were judged by; None where there were none."""
    contaminated: Mapping[int, Contaminated] = {}
    """The items that a contamination gate fails for, by its place in the verdict's rows, and whether it passes without the exempted."""
    exempted: Exempted = Exempted()

    @property
    def ships(self) -> bool:
        """Whether the run may be let out."""
        return self.outcome != "HOLD"


def decide_run(run: Run, verdict: Verdict, policy: Policy | None, now: datetime) -> Decision:
    """The decision on a run that was judged, by the overrides in its manifest.

    Raises: BadSignature or LogBroken if an override, or the decision log, is not as it was written.
    """
    asks = has_contaminated(verdict, run.plan.gates)
    if not run.manifest.overrides and not asks:
        return decide(Case(verdict=verdict, gates=run.plan.gates, policy=policy, log=()), ())
    case = Case(verdict=verdict, gates=run.plan.gates, policy=policy, log=Log(run.store.layout.decisions).entries())
    exempt = exempted(verdict, policy, case.log, now) if asks else Exempted()
    found = ((index, contaminated(row, gate, run, exempt.items)) for index, (row, gate) in enumerate(case.rows()))
    items = {index: about for index, about in found if about is not None}
    decision = decide(case, [standing(signed, case, now) for signed in run.manifest.overrides], items)
    judged_by = policy.digest if policy and (run.manifest.overrides or exempt.people or exempt.notes) else None
    return attrs.evolve(decision, exempted=exempt, notes=(*decision.notes, *exempt.notes), policy=judged_by)


def decide(case: Case, standings: Sequence[Standing], items: Mapping[int, Contaminated] | None = None) -> Decision:
    """The decision on a verdict, by what its overrides are worth.

    A gate that fails is waived once as many different people as its rule asks for have signed; one on contamination too if it
    passes without the `items` that are exempted. What is wrong with the run itself, such as stages that are missing, no override
    waives.
    """
    verdict, items = case.verdict, items or {}
    overridden: dict[int, tuple[Standing, ...]] = {}
    reasons = list(verdict.reasons)
    for index, (row, gate) in enumerate(case.rows()):
        if row.result == "pass" or (index in items and items[index].passes):
            continue
        signed, missing = _waiving(case.policy, row, gate, standings)
        if missing:
            reasons.append(_held(row, signed, missing))
        else:
            overridden[index] = signed
    ships = not reasons and verdict.artifact is not None
    outcome: Outcome = "HOLD" if not ships else "SHIP by override" if any(row.result != "pass" for row in verdict.rows) else "SHIP"
    return Decision(
        outcome=outcome,
        verdict=verdict,
        overridden=overridden,
        reasons=tuple(reasons),
        notes=tuple(_notes(standings)),
        policy=case.policy.digest if case.policy and standings else None,
        contaminated=items,
    )


def _waiving(policy: Policy | None, row: Row, gate: PlannedGate, standings: Iterable[Standing]) -> tuple[tuple[Standing, ...], int]:
    """Who has signed for a gate, one override a person, and how many people more it takes."""
    about = (None, None) if lacks_baseline(row) else (row.gate, row.stage)
    people: dict[str, Standing] = {}
    for found in standings:
        if found.person is not None and (found.override.gate, found.override.stage) == about:
            people[found.person] = found
    terms = None
    if policy is not None:
        terms = policy.bootstrap if lacks_baseline(row) else policy.rule(gate.metric, gate.family)
    return tuple(people.values()), max(0, (terms.reviewers if terms else 1) - len(people))


def _held(row: Row, signed: Sequence[Standing], missing: int) -> str:
    said = f"{row.metric} {'failed' if row.result == 'fail' else 'unknown'}"
    if not signed:
        return said
    names = ", ".join(found.override.reviewer for found in signed)
    return f"{said}, signed by {names}, and needs {missing} more reviewer{'s' if missing > 1 else ''}"


def _notes(standings: Iterable[Standing]) -> Iterator[str]:
    for found in standings:
        override = found.override
        what = f"`{override.gate}`" if override.gate else "the missing baseline"
        if found.void:
            yield f"{override.reviewer}'s override of {what} does not count: {found.void}"
        elif found.note:
            yield f"{override.reviewer}'s override of {what}: {found.note}"


def require_ship(decision: Decision) -> str:
    """The digest of the artifact that a decision lets out.

    Raises: Held, with what holds it.
    """
    verdict = decision.verdict
    if not decision.ships or verdict.artifact is None:
        passing = {*decision.overridden, *(index for index, items in decision.contaminated.items() if items.passes)}
        failing = [row.gate for index, row in enumerate(verdict.rows) if row.result != "pass" and index not in passing]
        raise Held(
            f"{verdict.pipeline} is held: " + "; ".join([*verdict.reasons, *failing, *decision.notes]),
            help=f"see `pdsl gate`; nothing is let out without a SHIP verdict on {short(verdict.plan)}, or a reviewer's override",
        )
    return verdict.artifact


def let_out(run: Run, decision: Decision, how: str, *, now: datetime, by: str) -> str:
    """The digest of the artifact that a decision lets out, once the decision log has it; `how` is "export" or "serve".

    Raises: Held; LogBroken; StoreFull; Usage if the log may not be written.
    """
    artifact = require_ship(decision)
    verdict = decision.verdict
    facts = {
        "pipeline": verdict.pipeline,
        "plan": verdict.plan,
        "records": results(verdict.records),
        "verdict": verdict.digest,
        "artifact": artifact,
        "baseline": verdict.baseline,
        "decision": decision.outcome,
        "overrides": sorted({found.logged for signed in decision.overridden.values() for found in signed}),
        "policy": decision.policy,
    }
    exempted_by = {
        logged for items in decision.contaminated.values() for hit in items.hits for logged in decision.exempted.items.get(hit.digest, ())
    }
    if exempted_by:
        facts["exemptions"] = sorted(exempted_by)
    with Log(run.store.layout.decisions).held() as log:
        log.append(how, facts, time=spelled(now), by=by)
    return artifact
