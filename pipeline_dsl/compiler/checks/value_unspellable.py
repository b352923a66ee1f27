import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from pipeline_dsl.base.canonical import TAG, NotCanonical, plain
from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.fields import Field


class ValueUnspellable(FactCheck):
    """A field holds a value that has no canonical spelling, so no digest could be taken of it.

    Functions, open files, NaN and objects that print their address look different in every process. What is spelled must also
    come back: the stage runs in another process, with the values that the plan brings there.
    """

    code = "PDSL204"
    bad = "web = Crawl(filter=lambda text: True)\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(filter='english')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for item in facts.unspelled:
            yield self.finding(
                f"`{type(item.stage).__name__}.{item.field}` has no fixed spelling: {item.reason}",
                at=graph.argument(item.stage, item.field),
            )
        refused = {(item.stage, item.field) for item in facts.unspelled}
        for stage, fields in facts.fields.items():
            for field in graph.type(stage).composed:
                if stage.__dict__[field.name] is field.default and not _lost_default(field):
                    continue
                if (stage, field.name) not in refused and (reason := _lost(fields[field.name], field)):
                    yield self.finding(
                        f"`{type(stage).__name__}.{field.name}` cannot be read back from a plan: {reason}",
                        at=graph.argument(stage, field.name),
                        help="annotate it with numbers, strings, tuples, mappings, enumerations or attrs classes",
                    )
        if not graph.pipeline.version.isprintable():
            yield self.finding(
                "`Pipeline.version` holds what no text may", at=graph.pipeline_argument("version"), help="write letters and digits"
            )


_ATOMS = frozenset({str, int, float, bool, type(None)})


def _lost(spelled: Any, field: Field) -> str:
    """Why a spelled value cannot become the field's value again; empty if it can."""
    if (spelled == [] and field.kinds == (tuple,)) or _plain(spelled, field.hint):
        return ""
    try:
        structure(spelled, field.hint, what=field.name)
    except Exception as error:  # whatever cattrs makes of an annotation that it does not know
        import textwrap

        return textwrap.shorten(getattr(error, "message", str(error)), 200)
    return ""


@cache
def _lost_default(field: Field) -> bool:
    """Whether what a field is left to cannot come back."""
    try:
        return bool(_lost(plain(field.default), field))
    except NotCanonical:
        return True


def _plain(spelled: Any, hint: Any) -> bool:
    """Whether a spelled value surely comes back: numbers, strings, choices, and tuples and attrs classes of such.

    All else is tried, by cattrs, which takes longer to start than these checks take to run.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if type(hint) is type and hint in _ATOMS:
        return type(spelled) is hint or (hint is float and type(spelled) is int)
    if origin is Annotated:
        return _plain(spelled, arguments[0])
    if origin is Literal:
        return any(type(spelled) is type(choice) and spelled == choice for choice in arguments)
    if origin in (Union, types.UnionType):
        arms = [arm for arm in arguments if arm is not type(None)]
        told_apart = len(arms) == 1 or all(map(attrs.has, arms))
        return told_apart and any(_plain(spelled, arm) for arm in arguments)
    if origin is tuple and isinstance(spelled, list):
        items = cast("list[Any]", spelled)
        hints = arguments[:1] * len(items) if arguments[1:] == (Ellipsis,) else arguments
        return len(hints) == len(items) and all(map(_plain, items, hints))
    parts = _parts(hint) if isinstance(hint, type) and type(spelled) is dict else None
    if parts is None or spelled.keys() != {TAG, *parts} or spelled[TAG] != hint.__name__:
        return False
    return all(_plain(spelled[name], part) for name, part in parts.items())


@cache
def _parts(cls: type[Any]) -> dict[str, Any] | None:
    """The fields of an attrs class that is made of just what its instances hold, with their types; None of any other class."""
    if not attrs.has(cls):
        return None
    fields = attrs.fields(cls)
    if any(not field.init or field.converter or field.alias != field.name for field in fields):
        return None
    try:
        hints = get_type_hints(cls)
    except Exception:  # an annotation is code, and may raise whatever code may
        return None
    return {field.name: hints[field.name] for field in fields}
