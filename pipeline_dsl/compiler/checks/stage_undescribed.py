import functools
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any, Union, cast, get_args, get_origin

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.stage import Ref, Stage, stage_type

_NONE = vars(Stage)["run"]


class StageUndescribed(ShapeCheck):
    """A stage type cannot be used: it does not say what it makes, has no `run`, or an annotation of it names nothing.

    It must also be found again by its name where it runs, in a process of its own: a class inside a function is not. Its fields
    are given there as they were declared, so each is one that a declaration can give. A class that gives an inherited field another
    default repeats its annotation: without one, the value is a mere attribute, and the field keeps its own.
    """

    code = "PDSL208"
    bad = "class Mystery(Stage):\n    pass\nbase = Mystery()"
    good = "class Known(Stage[Corpus]):\n    def run(self, work: Workspace) -> Corpus: ...\nbase = Known()"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage, reason in graph.undescribed:
            yield self.finding(reason, at=graph.span(stage))
        judged: set[type[AnyStage]] = set()
        for stage in graph.order:
            if type(stage) not in judged:
                judged.add(type(stage))
                for fault, help in _faults(type(stage)):
                    yield self.finding(fault, at=graph.span(stage), help=help)


def _found(cls: type[AnyStage]) -> object:
    """What its module holds under the name of a class."""
    try:
        return functools.reduce(getattr, cls.__qualname__.split("."), cast(Any, sys.modules.get(cls.__module__)))
    except AttributeError:
        return None


def _unannotated(cls: type[AnyStage], field: str) -> str | None:
    """What a class body, or one that it inherits from, says in vain for a field: a value without an annotation, as it spells it."""
    for base in cls.__mro__:
        if field in inspect.get_annotations(base):
            return None
        if field in base.__dict__:
            return repr(base.__dict__[field])
    return None


def _no_artifacts(hint: Any) -> Iterator[type[Any]]:
    """The classes inside of `Ref[...]`, wherever in a hint it stands, that are no artifacts."""
    origin, inner = get_origin(hint), get_args(hint)
    refers = isinstance(origin, type) and issubclass(origin, Ref)
    for arm in inner:
        if refers and isinstance(arm, type) and get_origin(arm) is None and not issubclass(arm, Artifact):
            yield arm
        elif refers and get_origin(arm) in (Union, types.UnionType):
            yield from (one for one in get_args(arm) if isinstance(one, type) and not issubclass(one, Artifact))
        elif not refers:
            yield from _no_artifacts(arm)


def _faults(cls: type[AnyStage]) -> Iterator[tuple[str, str]]:
    """What keeps stages of a class from being run, each with what to do."""
    name = cls.__name__
    fields = attrs.fields(cls)
    hidden = [field.name for field in fields if callable(getattr(Stage, field.name, None))]
    for field in hidden:
        yield f"`{name}.{field}` is a field, and hides what the compiler asks a stage for", "give the field another name"
    if "run" not in hidden and (cls.run is _NONE or not callable(cls.run)):
        yield f"`{name}` has no `run`", f"define `def run(self, work: Workspace)` in {name}"
    if "<locals>" in cls.__qualname__:
        yield f"`{name}` is declared inside a function, where no other process finds it", "declare it at the top level of a module"
    elif _found(cls) is not cls:
        yield f"`{cls.__module__}` holds another `{cls.__qualname__}`, or none", "let a stage type keep its name and its module"
    for field in fields:
        if field.alias != field.name or not field.init:
            yield f"`{name}.{field.name}` is a field that no declaration gives by its name", "write a plain annotation, without `_`"
        default = _unannotated(cls, field.name)
        if default is not None and isinstance(inspect.getattr_static(cls, field.name, None), property):
            yield f"`{field.name}` in `{name}` is a property, and hides a field that every such stage has", "give it another name"
        elif default is not None:
            yield (
                f"`{field.name} = {default}` in `{name}` is no default: a field is one by its annotation, and this one keeps its own",
                f"write it with the annotation: `{field.name}: ... = {default}`",
            )
    for field in stage_type(cls).inputs:
        for other in _no_artifacts(field.hint):
            yield (
                f"`{name}.{field.name}` reads {other.__name__}, which is no artifact",
                "write the artifact that it reads, such as `Ref[Corpus]`",
            )
        if any(
            len(get_args(arm)) != 2 or get_args(arm)[1] is not Ellipsis
            for arm in (field.hint, *get_args(field.hint))
            if get_origin(arm) is tuple
        ):
            yield (
                f"`{name}.{field.name}` reads a tuple of a fixed length",
                "give each of its stages a field of its own, or write `tuple[Ref[...], ...]`",
            )
    if type(cls.version) is not int:
        yield f"`{name}.version` is {cls.version!r}, not a whole number", "write `version = 2`"
