"""Pass: spell every stage's identity as bytes, and name it by their digest."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.canonical import NotCanonical, plain
from pipeline_dsl.compiler.facts import Unspelled
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.fields import Field
from pipeline_dsl.lang.stage import is_stage
from pipeline_dsl.plan.plan import definition

_ATOMS = frozenset({int, bool, type(None)})


def spelled_fields(graph: Graph) -> tuple[dict[AnyStage, dict[str, Any]], tuple[Unspelled, ...]]:
    """Each stage's identity fields as canonical JSON data, and the fields that have no such spelling.

    A field called `seed` that is None takes the pipeline's.
    """
    spelled: dict[AnyStage, dict[str, Any]] = {}
    refused: list[Unspelled] = []
    for stage in graph.order:
        spelled[stage] = _fields(stage, graph.type(stage).identity, graph.pipeline.seed, refused)
    return spelled, tuple(refused)


def _fields(stage: AnyStage, fields: Iterable[Field], seed: int, refused: list[Unspelled]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for field in fields:
        value = getattr(stage, field.name)
        if type(value) in _ATOMS:
            result[field.name] = seed if value is None and field.name == "seed" else value
            continue
        try:
            result[field.name] = plain(value)
        except NotCanonical as error:
            refused.append(Unspelled(stage, field.name, str(error) if error.path else error.reason))
    return result


def definitions(graph: Graph, fields: dict[AnyStage, dict[str, Any]]) -> dict[AnyStage, str]:
    """The definition digest of every stage; the graph has no cycle, and every field is spelled."""
    found: dict[AnyStage, str] = {}
    for stage in graph.order:
        described = graph.type(stage)
        inputs = {field.name: shaped(getattr(stage, field.name), found) for field in described.inputs}
        found[stage] = definition(described.path, type(stage).version, fields[stage], inputs)
    return found


def shaped(value: Any, names: dict[AnyStage, str]) -> Any:
    """An input's value, a stage or a tuple or mapping of stages, with each stage replaced by its name."""
    if is_stage(value):
        return names[value]
    if isinstance(value, dict):
        return {key: names[item] for key, item in cast("dict[str, AnyStage]", value).items()}
    if value is None:
        return None
    return [names[item] for item in value]


def named(options: Any, names: dict[AnyStage, str]) -> Any:
    """A backend's options as plain data, with each stage in them replaced by its name."""
    if is_stage(options):
        return names[options]
    kind: type[Any] = options.__class__
    if attrs.has(kind):
        return {field.name: named(getattr(options, field.name), names) for field in attrs.fields(kind)}
    if isinstance(options, Mapping):
        return {named(key, names): named(value, names) for key, value in cast("Mapping[Any, Any]", options).items()}
    if isinstance(options, tuple | list):
        return [named(value, names) for value in cast("list[Any]", options)]
    return plain(options)
