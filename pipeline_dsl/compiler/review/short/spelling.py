"""Whether a manifest is in the short spelling, and what people write who write it."""

import re

import attrs

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


def by_name(tree: Tree) -> Tree:
    """A manifest whose stages are a list, each with its `name`, as one whose stages are a mapping."""
    stages = tree.items.get("stages")
    if stages is None or not stages.members or any("name" not in stage.items for stage in stages.members):
        return tree
    named: dict[str, Tree] = {}
    for stage in stages.members:
        name = stage.items["name"]
        rest = {key: item for key, item in stage.items.items() if key != "name"}
        named.setdefault(name.text or "", attrs.evolve(stage, value=rest, key=name.span))
    if len(named) < len(stages.members):  # which is told as what it is: no mapping
        return tree
    return attrs.evolve(tree, value={**tree.items, "stages": attrs.evolve(stages, value=named)})
