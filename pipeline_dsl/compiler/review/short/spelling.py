"""Whether a manifest is in the short spelling, and what people write who write it."""

import re

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import NotReadable
from pipeline_dsl.compiler.review.tree import Tree

_UNQUOTED = re.compile(r"^(?P<head>\s*(?:- )?[\w./\"'-]+:[ \t]+)(?P<value>>=[^#\n'\"]*?)(?P<tail>[ \t]*(?:#.*)?)$", re.MULTILINE)


def repaired(text: str) -> str:
    """A text with `metric: >= 5` in quotes, which people write and YAML takes for the head of a folded text."""
    return _UNQUOTED.sub(lambda found: f'{found["head"]}"{found["value"].rstrip()}"{found["tail"]}', text)


def is_short(tree: Tree) -> bool:
    """Whether a manifest is in the short spelling: no stage has a recipe that names a type."""
    stages = tree.items["stages"].items if "stages" in tree.items else {}
    recipes = [stage.items.get("recipe") for stage in stages.values() if isinstance(stage.value, dict)]
    return bool(stages) and len(recipes) == len(stages) and all(recipe is None or not isinstance(recipe.value, dict) for recipe in recipes)


_CALLED = ("name", "id", "stage", "step", "task")
"""What the name of a stage in a list is called."""
_STAGES = ("steps", "tasks", "components", "jobs", "phases")
"""What people call the stages who know them from other tools."""


def by_name(tree: Tree, found: list[Diagnostic]) -> Tree:
    """A manifest whose stages are a list, each with its `name`, as one whose stages are a mapping; of two of a name the first stays."""
    said = next((key for key in _STAGES if key in tree.items and (tree.items[key].items or tree.items[key].members)), None)
    if "stages" not in tree.items and said is not None:
        tree = attrs.evolve(tree, value={"stages" if key == said else key: item for key, item in tree.items.items()})
    if "stages" in tree.items and (entries := [_entry(stage) for stage in tree.items["stages"].members]) and all(entries):
        tree = attrs.evolve(tree, value={**tree.items, "stages": attrs.evolve(tree.items["stages"], value=entries)})
    stages = tree.items.get("stages")
    called = next((key for key in _CALLED if stages is not None and all(key in stage.items for stage in stages.members)), None)
    if stages is None or not stages.members or called is None:
        return tree
    named: dict[str, Tree] = {}
    for stage in stages.members:
        name = stage.items[called]
        rest = {key: item for key, item in stage.items.items() if key != called}
        if (said := name.text or "") in named:
            text = f"the stage {said!r:.80} is there twice, first in line {named[said].key.line}"
            found.append(NotReadable.finding(text, name.span, help="keep one", related=[("first here", named[said].key)]))
            continue
        named[said] = attrs.evolve(stage, value=rest, key=name.span)
    return attrs.evolve(tree, value={**tree.items, "stages": attrs.evolve(stages, value=named)})


def _entry(stage: Tree) -> Tree | None:
    """A stage of a list with its name in it, where it is only a name, or a mapping below one; None if it has no name."""
    if isinstance(stage.value, str):
        return attrs.evolve(stage, value={"name": stage}, text=None)
    if any(key in stage.items for key in _CALLED):
        return stage
    if len(stage.items) != 1:
        return None
    (name, inner), *_ = stage.items.items()
    if isinstance(inner.value, dict) or inner.value is None:
        return attrs.evolve(inner, value={"name": Tree(name, inner.key, inner.key, name), **inner.items}, text=None)
    return None
