"""A proposal: the manifest of a run that has not begun, so that somebody can judge it first. `pdsl plan TARGET --manifest` writes it.

It has everything that a run's manifest promises, and nothing that only a run can know.
"""

from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.store.manifest import SCHEMA


def promised(plan: Plan) -> dict[str, Any]:
    """What a manifest says of its plan beside stages and gates: what may be spent, what ships, and against what it is held."""
    budget = {name: value for name, value in (("usd", plan.budget_usd), ("kl", plan.budget_kl)) if value is not None}
    baseline = None if plan.baseline is None else {key: value for key, value in unstructure(plan.baseline).items() if value is not None}
    return {
        "gate_stages": {str(gate): gate.stage for gate in plan.gates if gate.stage is not None},
        "budget": budget or None,
        "baseline": baseline,
        "ships": plan.ships,
        "use": plan.use,
    }


def proposal(plan: Plan, commit: str | None) -> dict[str, Any]:
    """The manifest of a plan before anything ran, as data."""
    promises = {name: value for name, value in promised(plan).items() if value}
    return {
        "manifest_version": SCHEMA,
        "pipeline": plan.pipeline,
        "pipeline_version": plan.pipeline_version,
        "seed": plan.seed,
        "git_commit": commit,
        "plan": plan.digest,
        "status": "proposed",
        **{name: promises[name] for name in ("budget", "baseline", "ships", "use") if name in promises},
        "gates": [str(gate) for gate in plan.gates],
        **({"gate_stages": promises["gate_stages"]} if "gate_stages" in promises else {}),
        "stages": {stage.name: _proposed(stage) for stage in plan.stages},
    }


def _proposed(stage: PlannedStage) -> dict[str, Any]:
    usd = stage.estimate.usd
    estimate = {"seconds": round(stage.estimate.seconds.point, 3), "usd": None if usd is None else round(usd.point, 6)}
    return {
        "recipe": {"type": stage.type, "version": stage.version, "fields": stage.fields, "inputs": stage.inputs},
        **({"execution": stage.execution} if stage.execution else {}),
        "definition": stage.definition,
        "on": stage.place,
        "estimate": {**estimate, **({"unknown": stage.estimate.unknown} if stage.estimate.unknown else {})},
        "rollback": {"tier": stage.tier, "action": stage.on_failure},
        **({"declares": stage.declares} if stage.declares else {}),
    }
