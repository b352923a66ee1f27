"""Rollback plans as people write them, in the words of a manifest: a tier and an action for each stage."""

import re
from collections.abc import Iterator, Mapping

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import RollbackMissing, RollbackUnfit, StageAbsent
from pipeline_dsl.compiler.review.report import meant
from pipeline_dsl.compiler.review.tree import Tree

_ACTIONS = {
    "fall-back": re.compile(r"fall.?back|last[ _-]?(known[ _-]?)?good|previous|restore|revert|resume|checkpoint", re.IGNORECASE).search,
    "retrain": re.compile(r"re-?train|revised?\b", re.IGNORECASE).search,
    "re-run": re.compile(r"re-?\s?run|re-?start|re-?do|re-?build|re-?generate|run again|redeploy|retry|repeat", re.IGNORECASE).search,
}
_TIERS = {
    **dict.fromkeys(("tokenizer", "data", "evaluate", "quantize", "serve"), "cheap"),
    **dict.fromkeys(("sft", "reward", "align"), "medium"),
    "pretrain": "expensive",
}
"""What the stages of a kind usually cost."""
_USUAL = {"cheap": "re-run", "medium": "retrain", "expensive": "fall-back"}
_BACK = ("to", "target", "fall_back_to", "fallback_to", "rollback_to", "restore", "last_good", "from")
_KEYS = {**dict.fromkeys(("on_failure", "strategy", "do", "plan"), "action"), **dict.fromkeys(("cost_tier", "class", "category"), "tier")}
_TOLD = ("notes", "description", "reason", "why", "owner", "eta", "estimated_hours", "cost_usd")
_ARTIFACT = re.compile(r"[:/@.]|step|ckpt|checkpoint|last|good|previous|baseline|release|latest|version|v\d", re.IGNORECASE).search


def spread(said: Tree | None, kinds: Mapping[str, str], stages: Mapping[str, Tree], found: list[Diagnostic]) -> dict[str, Tree]:
    """The plans of a manifest's own `rollback`, by stage: it has them by stage, by tier, or in a list."""
    if said is None or said.value is None:
        return {}
    plans: dict[str, Tree] = {}
    for name, plan in _by_name(said):
        named = plan.items.get("stages", plan) if name in _USUAL else plan
        if name in _USUAL and isinstance(named.value, list):
            rest = {"tier": attrs.evolve(plan, value=name, text=name), **{key: item for key, item in plan.items.items() if key != "stages"}}
            plans |= {item.text or "": attrs.evolve(item, value=rest if plan.items else name, text=name) for item in named.members}
        elif name not in _USUAL or name in stages:
            plans[name] = plan
    if not plans and isinstance(said.value, str) and _action(said.value.strip().lower()):
        return dict.fromkeys(stages, said)
    if not plans and isinstance(said.value, str):
        text = f"`rollback` is {said.text!r:.60}, which plans nothing"
        found.append(RollbackMissing.finding(text, said.span, help="say for each stage: `sft: {tier: medium, action: retrain}`"))
    for name, plan in plans.items():
        if name not in stages:
            found.append(
                StageAbsent.finding(
                    f"a rollback plan is for `{name:.80}`, which the manifest does not have",
                    plan.key,
                    help=meant(name, stages, "name one of its stages"),
                )
            )
    return {name: plan for name, plan in plans.items() if name in stages}


def _by_name(said: Tree) -> Iterator[tuple[str, Tree]]:
    if isinstance(said.value, dict):
        yield from said.items.items()
    for plan in said.members:
        name = next((plan.items[key].text for key in ("stage", "name", "on", "id") if key in plan.items), None)
        if name:
            rest = {key: item for key, item in plan.items.items() if key not in ("stage", "name", "on", "id")}
            yield name, attrs.evolve(plan, value=rest)


def plan_of(said: Tree, kind: str) -> tuple[Tree, Tree | None]:
    """A stage's plan as tier and action, and what it falls back to, if it says so; what cannot be read stays as it is."""
    tier = _TIERS[kind]
    if isinstance(said.value, str):
        word = (said.text or "").strip().lower()
        action = _USUAL.get(word) or _action(word)
        return (said, None) if action is None else (_made(said, word if word in _USUAL else tier, action), None)
    if not isinstance(said.value, dict):
        return said, None
    given = {_KEYS.get(key, key): item for key, item in said.items.items() if key not in (*_BACK, *_TOLD)}
    back = next((said.items[key] for key in _BACK if key in said.items and isinstance(said.items[key].value, str)), None)
    action = given.get("action")
    if action is not None and isinstance(action.value, str) and (word := _action(action.value)):
        given["action"] = attrs.evolve(action, value=word, text=word)
    elif action is None and back is not None:
        given["action"] = attrs.evolve(back, value="fall-back", text="fall-back")
    if "action" in given and "tier" not in given:
        given["tier"] = attrs.evolve(said, value=tier, text=tier)
    return attrs.evolve(said, value=given), back


def _action(said: str) -> str | None:
    return next((action for action, search in _ACTIONS.items() if search(said)), None)


def _made(said: Tree, tier: str, action: str) -> Tree:
    return attrs.evolve(said, value={key: attrs.evolve(said, value=word, text=word) for key, word in (("tier", tier), ("action", action))})


def backwards(backs: Mapping[str, Tree], inputs: Mapping[str, list[str]]) -> Iterator[Diagnostic]:
    """Stages that fall back to what is not there, or to what their failure takes along."""
    for name, back in backs.items():
        to = back.text or ""
        if to not in inputs:
            if not _ARTIFACT(to):
                help = meant(to, inputs, "name a stage before it, or an artifact")
                yield StageAbsent.finding(f"`{name}` falls back to `{to:.80}`, which the manifest does not have", back.span, help=help)
        elif name in _before(to, inputs):
            text = f"`{name}` falls back to `{to}`, which fails with it" if to != name else f"`{name}` falls back to itself"
            yield RollbackUnfit.finding(text, back.span, help="name a stage before it, or the last good artifact")


def _before(name: str, inputs: Mapping[str, list[str]]) -> set[str]:
    """A stage, and all that it is made of."""
    seen, pending = {name}, [name]
    while pending:
        for parent in inputs.get(pending.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                pending.append(parent)
    return seen
