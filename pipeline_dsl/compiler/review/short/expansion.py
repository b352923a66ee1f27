"""A manifest in the short spelling, spelled out as a whole one, of stages that are told."""

from collections.abc import Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import FieldUnknown, TypeUnknown
from pipeline_dsl.compiler.review.short.brief import Brief, by_metric
from pipeline_dsl.compiler.review.short.consumed import consumed
from pipeline_dsl.compiler.review.short.effort import amiss as effort_amiss
from pipeline_dsl.compiler.review.short.exceptions import waived
from pipeline_dsl.compiler.review.short.hashes import hash_of
from pipeline_dsl.compiler.review.short.inputs import by_purpose, inputs_of
from pipeline_dsl.compiler.review.short.kinds import KINDS, known, unnumbered
from pipeline_dsl.compiler.review.short.labels import labels_of, personal_learnt
from pipeline_dsl.compiler.review.short.measures import measures
from pipeline_dsl.compiler.review.short.mixed import mixed
from pipeline_dsl.compiler.review.short.plans import backwards, plan_of, spread
from pipeline_dsl.compiler.review.short.wording import worded
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.store.manifest import Manifest

MODULE = "short"
"""How the types of these stages are said to be called."""

_MINE = ("kl_budget", "eval_data", "train_data", "data", "eval_data_hash", "author", "licence", "overrides", "rollback")
"""What a short manifest says at its top, and is read here."""

TOP = frozenset({*(field.name for field in attrs.fields(Manifest)), "on", *_MINE})

ALLOWED = frozenset(
    (
        *("recipe", "type", "kind", "artifact", "inputs", "depends_on", "needs", "after", "input_hash", "output_hash", "wall_clock_sec"),
        *(
            "cost_usd",
            "kl_budget",
            "kl_budget_consumed",
            "beta",
            "params",
            "tokens",
            "steps",
            "metrics",
            "rollback",
            "hardware",
            "on",
            "seed",
        ),
        *(
            "status",
            "data",
            "datasets",
            "train_data",
            "data_mix",
            "data_hash",
            "preference_data_hash",
            "reference_hash",
            "eval_data",
            "suite",
        ),
        *("eval_data_hash", "benchmarks", "calibration", "calibration_data", "config", "notes", "description", "split", "name", "estimate"),
        *("licence", "terms", "personal", "pii", "use", "active_params", "gates"),
    )
)
"""What a stage may say."""


def expanded(tree: Tree, found: list[Diagnostic]) -> Tree:
    """A manifest in the short spelling as a whole one; every value keeps the place where it, or what it follows from, stands."""
    return _Expansion(tree, found).whole()


class _Expansion:
    def __init__(self, tree: Tree, found: list[Diagnostic]) -> None:
        self.tree, self.found = worded(tree, ALLOWED, TOP, found), found
        self.stages = self.tree.items["stages"].items
        self.kinds = {name: kind for name, stage in self.stages.items() if (kind := self._kind(name, stage)) is not None}
        self.brief = Brief(self.tree, self.kinds, by_metric(self.tree.items.get("gates")))
        self.kl = self.brief.level("kl_budget", "kl_from_reference")
        self.found += mixed(self.brief)
        self.aligning = [name for name, kind in self.kinds.items() if kind == "align"]

    def whole(self) -> Tree:
        """The manifest, spelled out."""
        top = {name: item for name, item in self.tree.items.items() if name not in _MINE}
        inputs = {name: inputs_of(self.brief, name, stage, self.found) for name, stage in self.stages.items()}
        self.found += waived(self.tree, self.brief.gates)
        self.found += effort_amiss(self.brief)
        self.found += personal_learnt(self.brief)
        self.found += consumed(self.brief, self.kl)
        plans = self._plans(inputs)
        stages = {
            name: self._stage(name, stage, inputs[name], plans.get(name)) for name, stage in self.stages.items() if name in self.kinds
        }
        anchor = self.tree.items["stages"]
        top["stages"] = attrs.evolve(anchor, value=stages)
        top.setdefault("pipeline", _standing("pipeline", anchor))
        top.setdefault("baseline", _standing({"manifest": "the last release"}, anchor))
        if "budget" not in top or isinstance(top["budget"].value, dict):
            usd, said = self.brief.level("cost_total_usd"), self.tree.items.get("kl_budget")
            bounds: dict[str, Any] = {"usd": usd, "kl": said if said is not None and said.value is not None else self.kl}
            bounds = {name: value for name, value in bounds.items() if value is not None}
            written = top.get("budget")
            place = written or said or top.get("gates", anchor)
            top["budget"] = attrs.evolve(place, value={**_standing(bounds, place).items, **(written.items if written else {})}, text=None)
        if "use" not in top and (used := [stage.items["use"] for stage in self.stages.values() if "use" in stage.items]):
            top["use"] = used[0]
        if "ships" not in top and (last := self._last()) is not None:
            top["ships"] = _standing(last, self.stages[last])
        if "status" not in top:
            done = all(hash_of(stage.items.get("output_hash")) for stage in self.stages.values())
            top["status"] = _standing("complete" if done else "proposed", anchor)
        return attrs.evolve(self.tree, value=top)

    def _kind(self, name: str, stage: Tree) -> str | None:
        """The kind of a stage: what it says it is, or what its name says."""
        for key in ("kind", "type", "artifact"):
            said = stage.items.get(key)
            if said is not None and isinstance(said.value, str):
                kind = known(said.value)
                if kind is None:
                    help = f"it is one of {', '.join(KINDS)}"
                    self.found.append(TypeUnknown.finding(f"`{name}` is of no kind of stage: {said.value!r:.80}", said.span, help=help))
                return kind
        kind = known(unnumbered(name))
        if kind is None:
            help = f"say its `kind`, one of {', '.join(KINDS)}, or write the manifest in full: `pdsl plan TARGET --manifest FILE`"
            self.found.append(TypeUnknown.finding(f"nothing says what kind of stage `{name:.80}` is", stage.key, help=help))
        return kind

    def _last(self) -> str | None:
        """What ships: the last server, or else the last quantized model, or else the last model."""
        for kinds in (("serve",), ("quantize",), ("align", "sft", "pretrain")):
            named = [name for name, kind in self.kinds.items() if kind in kinds]
            if named:
                return named[-1]
        return None

    def _plans(self, inputs: Mapping[str, list[str]]) -> dict[str, Tree]:
        """What is done when a stage fails, by stage."""
        said = spread(self.tree.items.get("rollback"), self.kinds, self.stages, self.found)
        said |= {name: stage.items["rollback"] for name, stage in self.stages.items() if "rollback" in stage.items}
        read = {name: plan_of(plan, self.kinds[name]) for name, plan in said.items() if name in self.kinds}
        self.found += backwards({name: back for name, (_, back) in read.items() if back is not None}, inputs)
        return {name: plan for name, (plan, _) in read.items()}

    def _stage(self, name: str, stage: Tree, inputs: list[str], plan: Tree | None) -> Tree:
        kind = self.kinds[name]
        recipe = stage.items.get("recipe")
        if recipe is None or not recipe.text:
            self.found.append(
                FieldUnknown.finding(
                    f"stage `{name}` names no `recipe`", (recipe or stage).key, help="name what it does: `recipe: bpe_32k`"
                )
            )
        fields: dict[str, Any] = {"recipe": recipe if recipe is not None else _standing("", stage)}
        if kind == "align":
            fields["kl_budget"] = self._kl_budget(stage)
        given = by_purpose(self.brief, name, inputs)
        read_at = next((stage.items[key] for key in ("inputs", "depends_on", "needs", "after", "input_hash") if key in stage.items), stage)
        declares: dict[str, Any] = {
            "produces": KINDS[kind].produces,
            "inputs": {
                key: {"reads": ["SftModel", "Policy"] if key == "policy" else list(KINDS[kind].reads), "optional": True} for key in given
            },
            "measures": measures(self.brief, name),
            **({"aligns": True} if kind == "align" else {}),
            **({"evaluation": True} if self.brief.held(name) else {}),
            **({"labels": labels} if (labels := labels_of(self.tree if kind == "data" else None, stage)) else {}),
        }
        whole = {
            "recipe": {"type": f"{MODULE}:{KINDS[kind].produces}", "version": 1, "fields": fields, "inputs": _standing(given, read_at)},
            "declares": declares,
            **{key: stage.items[key] for key in ("wall_clock_sec", "cost_usd", "metrics", "hardware", "estimate") if key in stage.items},
        }
        whole |= {"rollback": plan} if plan is not None else {}
        read, made = stage.items.get("input_hash"), stage.items.get("output_hash")
        whole |= {"output_hash": made} if hash_of(made) else {}
        whole |= {"input_hash": read} if read is not None else {}
        return attrs.evolve(stage, value=_standing(whole, stage).value)

    def _kl_budget(self, stage: Tree) -> Tree:
        """What a stage may move: what it says, or its share of what the gate allows all of them together."""
        said = stage.items.get("kl_budget")
        if said is not None:
            return said
        return _standing(None if self.kl is None else self.kl / len(self.aligning), stage)


def _standing(value: Any, at: Tree) -> Tree:
    """A tree of plain data that stands where another one does."""
    if isinstance(value, Tree):
        return value
    if isinstance(value, dict):
        return Tree({name: _standing(item, at) for name, item in cast("dict[str, Any]", value).items()}, at.span, at.key)
    if isinstance(value, list):
        return Tree([_standing(item, at) for item in cast("list[Any]", value)], at.span, at.key)
    return Tree(value, at.span, at.key, None if value is None else str(value))
