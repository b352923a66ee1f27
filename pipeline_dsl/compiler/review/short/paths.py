"""Stages that name what they read and write by paths, as DVC's do: whose result a path is, and which paths are data."""

import re
from collections.abc import Mapping

import attrs

from pipeline_dsl.compiler.review.tree import Tree

_READS = ("deps", "inputs", "input", "dependencies", "depends_on", "consumes")
_WRITES = ("outs", "outputs", "output", "artifacts")
_DATA = "data"
_CODE = re.compile(r"\.(py|sh|ipynb|toml|ya?ml|lock|cfg|ini)$", re.IGNORECASE).search
_FILE = re.compile(
    r"\.(py|sh|ipynb|toml|ya?ml|lock|cfg|ini|jsonl?|parquet|arrow|csv|tsv|txt|bin|pt|gguf|safetensors|tar|gz|zst)$", re.I
).search


def by_path(stages: Mapping[str, Tree]) -> dict[str, Tree]:
    """Stages that name each other where they named each other's paths; what nobody writes is data, and what is code is left out."""
    made = {path: name for name, stage in stages.items() for path in _written(stage)}
    return {name: _stage(stage, stages, made) for name, stage in stages.items()}


def _written(stage: Tree) -> list[str]:
    return [path for key in _WRITES if key in stage.items for path in map(_path, _leaves(stage.items[key])) if path]


def _stage(stage: Tree, stages: Mapping[str, Tree], made: Mapping[str, str]) -> Tree:
    key = next((key for key in _READS if key in stage.items), None)
    leaves = _leaves(stage.items[key]) if key is not None else []
    if key is None or not any(_path(leaf) for leaf in leaves):
        return _without_paths(stage) if _written(stage) else stage
    read: list[Tree] = []
    data: list[Tree] = []
    for leaf in leaves:
        path = _path(leaf)
        whose = None if path is None else _whose(path, made)
        if path is None or leaf.text in stages:
            read.append(leaf)
        elif whose is not None:
            read.append(attrs.evolve(leaf, value=whose, text=whose))
        elif not _CODE(path) and any("/" in path and _folder(path) == _folder(other) for other in made):
            read.append(leaf)  # it lies among what stages write, and none of them writes it
        elif not _CODE(path):
            data.append(leaf)
    given = {name: item for name, item in _without_paths(stage).items.items() if name != key}
    if read:
        given["depends_on"] = attrs.evolve(stage.items[key], value=read, text=None)
    if data and _DATA not in given:
        given[_DATA] = attrs.evolve(stage.items[key], value=data, text=None)
    return attrs.evolve(stage, value=given)


def _without_paths(stage: Tree) -> Tree:
    """A stage without the paths that it writes, and without DVC's names of files and settings."""
    given = {
        key: item
        for key, item in stage.items.items()
        if not (key in _WRITES and any(map(_path, _leaves(item)))) and not (key in ("metrics", "plots", "params") and item.members)
    }
    return attrs.evolve(stage, value=given)


def _leaves(tree: Tree) -> list[Tree]:
    """The texts of a value, a list, or a mapping; DVC writes settings of a path below its name."""
    if tree.members:
        return [leaf for item in tree.members for leaf in ([item] if isinstance(item.value, str) else _named(item))]
    return [tree] if isinstance(tree.value, str) else [item for item in tree.items.values() if isinstance(item.value, str)]


def _named(tree: Tree) -> list[Tree]:
    return [Tree(name, item.key, item.key, name) for name, item in tree.items.items()] if len(tree.items) == 1 else []


def _path(leaf: Tree) -> str | None:
    """What a text names as a path; None if it names none."""
    said = (leaf.text or "").strip().removeprefix("./").rstrip("/")
    return said if ("/" in said or _FILE(said)) and " " not in said else None


def _whose(path: str, made: Mapping[str, str]) -> str | None:
    return next((name for other, name in made.items() if path == other or path.startswith(f"{other}/")), None)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
