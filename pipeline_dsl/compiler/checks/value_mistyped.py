from collections.abc import Iterator
from typing import Any

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.fields import Field, Role


class ValueMistyped(ShapeCheck):
    """A field is given a value of another type than it is declared with, which an editor would have underlined too."""

    code = "PDSL202"
    bad = "web = Crawl(depth='3')\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(depth=3)\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            values = stage.__dict__
            for field in graph.type(stage).fields:
                if field.kinds is None or field.role is Role.INPUT:
                    continue
                value = values[field.name]
                if type(value) not in field.kinds and not _fits(value, field.kinds):
                    yield self.finding(
                        f"`{type(stage).__name__}.{field.name}` is {_expected(field)}, not {type(value).__name__}",
                        at=graph.argument(stage, field.name),
                        help=_advice(value, field),
                    )
        yield from self._pipeline(graph)

    def _pipeline(self, graph: Graph) -> Iterator[Diagnostic]:
        for name, kind in (("name", str), ("version", str), ("seed", int)):
            value = getattr(graph.pipeline, name)
            if type(value) is not kind:
                yield self.finding(
                    f"`Pipeline.{name}` is {kind.__name__}, not {type(value).__name__}",
                    at=graph.pipeline_argument(name),
                    help=f"write {kind(value)!r}" if isinstance(value, int | float) else "",
                )


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # a bool is an int to Python, and a slip here
        return False
    if type(value) in (list, tuple):
        return tuple in kinds or any(kind.__name__ == "Sequence" for kind in kinds)
    if type(value) is dict:
        return any(kind.__name__ in ("Mapping", "dict") for kind in kinds)
    return isinstance(value, kinds) and not (float in kinds and isinstance(value, str))


def _expected(field: Field) -> str:
    names = [kind.__name__ for kind in field.kinds or ()]
    if "float" in names and "int" in names:
        names.remove("int")
    return " or ".join("None" if name == "NoneType" else name for name in names)


def _advice(value: Any, field: Field) -> str:
    kinds = field.kinds or ()
    if isinstance(value, str) and (int in kinds or float in kinds):
        try:
            return f"write {int(value) if float not in kinds else float(value)} without quotes"
        except ValueError:
            return ""
    if isinstance(value, float) and int in kinds and value.is_integer():
        return f"write {int(value):_}"
    described = [kind for kind in kinds if attrs.has(kind)]
    return f"write {described[0].__name__}(...)" if described else ""
