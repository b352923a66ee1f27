"""A manifest in the short spelling, spelled out as a whole one, of stages that are told."""

import difflib
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import FieldUnknown, TypeUnknown
from pipeline_dsl.compiler.review.short.brief import Brief, by_metric
from pipeline_dsl.compiler.review.short.hashes import hash_of
from pipeline_dsl.compiler.review.short.inputs import by_purpose, inputs_of
from pipeline_dsl.compiler.review.short.kinds import KINDS, known, unnumbered
from pipeline_dsl.compiler.review.short.measures import measures
from pipeline_dsl.compiler.review.short.mixed import mixed
from pipeline_dsl.compiler.review.tree import Tree

MODULE = "short"
"""How the types of these stages are said to be called."""

ALLOWED = (
    *("recipe", "type", "kind", "artifact", "inputs", "depends_on", "needs", "after", "input_hash", "output_hash", "wall_clock_sec"),
    *("cost_usd", "kl_budget", "kl_budget_consumed", "beta", "params", "tokens", "steps", "metrics", "rollback", "hardware", "on", "seed"),
    *("status", "data", "datasets", "train_data", "data_mix", "data_hash", "preference_data_hash", "reference_hash", "eval_data", "suite"),
    *("eval_data_hash", "benchmarks", "calibration", "calibration_data", "config", "notes", "description", "split", "name", "estimate"),
)


def expanded(tree: Tree, found: list[Diagnostic]) -> Tree:
    """A manifest in the short spelling as a whole one; every value keeps the place where it, or what it follows from, stands."""
    return _Expansion(tree, found).whole()


class _Expansion:
    def __init__(self, tree: Tree, found: list[Diagnostic]) -> None:
        self.tree, self.found = tree, found
        self.stages = tree.items["stages"].items
        self.kinds = {name: kind for name, stage in self.stages.items() if (kind := self._kind(name, stage)) is not None}
        self.brief = Brief(tree, self.kinds, by_metric(tree.items.get("gates")))
        self.kl = self.brief.level("kl_from_reference", "kl_budget", "kl")
        self.found += mixed(self.brief)
        self.aligning = [name for name, kind in self.kinds.items() if kind == "align"]

    def whole(self) -> Tree:
        """The manifest, spelled out."""
        top = {
            name: item
            for name, item in self.tree.items.items()
            if name not in ("kl_budget", "eval_data", "train_data", "data", "eval_data_hash")
        }
        inputs = {name: inputs_of(self.brief, name, stage, self.found) for name, stage in self.stages.items()}
        stages = {name: self._stage(name, stage, inputs[name]) for name, stage in self.stages.items() if name in self.kinds}
        anchor = self.tree.items["stages"]
        top["stages"] = attrs.evolve(anchor, value=stages)
        top.setdefault("pipeline", _standing("pipeline", anchor))
        top.setdefault("baseline", _standing({"manifest": "the last release"}, anchor))
        if "budget" not in top:
            usd = self.brief.level("cost_total_usd")
            top["budget"] = _standing(
                {name: value for name, value in (("usd", usd), ("kl", self.kl)) if value is not None}, top.get("gates", anchor)
            )
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

    def _stage(self, name: str, stage: Tree, inputs: list[str]) -> Tree:
        for key, item in stage.items.items():
            if key not in ALLOWED:
                near = difflib.get_close_matches(key, ALLOWED, n=1)
                help = f"did you mean `{near[0]}`?" if near else "see `pdsl plan TARGET --manifest FILE` for a manifest in full"
                self.found.append(FieldUnknown.finding(f"stage `{name}` has no {key!r:.80}", item.key, help=help))
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
        given = by_purpose(self.brief, kind, inputs)
        read_at = next((stage.items[key] for key in ("inputs", "depends_on", "needs", "after", "input_hash") if key in stage.items), stage)
        declares: dict[str, Any] = {
            "produces": KINDS[kind].produces,
            "inputs": {key: {"reads": list(KINDS[kind].reads), "optional": True} for key in given},
            "measures": measures(self.brief, kind),
            **({"aligns": True} if kind == "align" else {}),
            **({"evaluation": True} if self.brief.held(name) else {}),
        }
        whole = {
            "recipe": {"type": f"{MODULE}:{KINDS[kind].produces}", "version": 1, "fields": fields, "inputs": _standing(given, read_at)},
            "declares": declares,
            **{
                key: stage.items[key]
                for key in ("wall_clock_sec", "cost_usd", "metrics", "rollback", "hardware", "estimate")
                if key in stage.items
            },
        }
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
