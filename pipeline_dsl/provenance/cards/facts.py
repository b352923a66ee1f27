"""What a card is written from: a run that was judged, with its records and artifacts, and what the model in it learnt from."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

import attrs

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.gates.chain import verified_records
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.gates.verdict import Run
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.plan.plan import Plan, PlannedStage, leaves
from pipeline_dsl.provenance.shipped import MODEL, shipped
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.tree import Tree

_MODELS = ("quantized_model", "policy", "sft_model", "checkpoint", "policy_adapter", "sft_adapter", "reward_model")
"""The kinds of models, what is nearest to a user first."""


@attrs.frozen(kw_only=True)
class Facts:
    """A run, the model that the card is about, and what that learnt from. Stages are those that finished."""

    run: Run
    decision: Decision
    records: Mapping[str, Record]
    trees: Mapping[str, Tree]
    model: str
    """The stage that made the model; the last one of a run that made none."""
    has_model: bool
    """Whether there is a model: what ships, or something with parameters."""
    learnt: frozenset[str]
    """The stages whose artifacts it learnt from or is made of, its own included; all stages of a run that made no model."""

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self.run.plan

    @property
    def forms(self) -> frozenset[str]:
        """The model, and the one that it is a quantized form of: an evaluation of either says something about it."""
        source = self.made(self.trees[self.model].meta.get("source"))
        return frozenset({self.model, *([source] if source else [])})

    def use(self, stage: str) -> str:
        """What a stage's artifact was for, as cards say it."""
        if not self.has_model:
            return "no model was made"
        return "learnt from" if stage in self.learnt else "only measured on, or left out"

    def stages(self, kind: str = "") -> Iterator[tuple[PlannedStage, Record, Tree]]:
        """The finished stages whose artifact is of a kind, in the plan's order; of any kind without one."""
        for stage in self.plan.stages:
            if stage.name in self.records and (not kind or self.trees[stage.name].kind == kind):
                yield stage, self.records[stage.name], self.trees[stage.name]

    def made(self, digest: object) -> str | None:
        """The stage that made an artifact; the first, if several made the same."""
        return next((name for name, record in self.records.items() if record.output == digest), None)


def gather(run: Run, decision: Decision) -> Facts:
    """The facts of a run that was judged, each link of its chain checked.

    Raises: DigestMismatch or MissingArtifact; Usage if nothing of the run is finished.
    """
    records = verified_records(run.manifest, run.plan, run.store)
    trees = {name: run.store.tree(record.output) for name, record in records.items()}
    model = shipped(run, records).get(MODEL) or _last_model(run.plan, trees)
    if model is None:
        raise Usage(f"no stage of {run.plan.pipeline} is finished: there is nothing to write about", help="run it first")
    tree = trees[model]
    has_model = run.plan.ships in records or tree.kind in _MODELS or "parameters" in tree.meta
    learnt = learnt_from(run.plan, model) if has_model else frozenset(records)
    return Facts(run=run, decision=decision, records=records, trees=trees, model=model, has_model=has_model, learnt=learnt)


def _last_model(plan: Plan, trees: Mapping[str, Tree]) -> str | None:
    for kind in _MODELS:
        found = [stage.name for stage in plan.stages if stage.name in trees and trees[stage.name].kind == kind]
        if found:
            return found[-1]
    finished = [stage.name for stage in reversed(plan.stages) if stage.name in trees]
    return next((name for name in finished if "parameters" in trees[name].meta), next(iter(finished), None))


def learnt_from(plan: Plan, model: str) -> frozenset[str]:
    """A stage, and every stage that it depends on by an input that is not only measured on."""
    found = {model}
    for stage in reversed(plan.stages):
        if stage.name in found:
            measured = measured_on(stage) or frozenset()
            found.update(name for field, shape in stage.inputs.items() if field not in measured for name in leaves(shape))
    return frozenset(found)


def measured_on(stage: PlannedStage) -> frozenset[str] | None:
    """The inputs that a stage only measures on: of pdsl's own types by their classes, of others by what they told the compiler. None
    where a plan does not say it; then whatever the stage reads counts as learnt from."""
    if stage.type.startswith("pipeline_dsl."):
        return _ours(stage.type)
    inputs = stage.declares.get("inputs")
    if not isinstance(inputs, Mapping):
        return frozenset() if stage.declares or not any(stage.parents) else None
    return frozenset(
        field for field, said in cast("Mapping[str, Any]", inputs).items() if nested({"said": said}, "said", "held_out") is True
    )


@cache
def _ours(type: str) -> frozenset[str] | None:
    module, _, name = type.partition(":")
    try:
        described = stage_type(getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError, TypeError):  # a stage of another version of pdsl
        return None
    return frozenset(field.name for field in described.inputs if field.held_out)


def nested(meta: Mapping[str, Any], *keys: str) -> Any:
    """What a path of keys leads to in metadata; None where it leads nowhere."""
    found: Any = meta
    for key in keys:
        found = cast("Mapping[str, Any]", found).get(key) if isinstance(found, Mapping) else None
    return found
