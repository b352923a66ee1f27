import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.fields import Field
from pipeline_dsl.lang.gate import Gate
from pipeline_dsl.lang.stage import Ref, is_stage


class InputNotAStage(ShapeCheck):
    """An input is given something that is no stage, such as a path, or several stages where it reads one.

    An artifact is named by the stage that makes it, so that its bytes can be traced; a path could hold anything.
    """

    code = "PDSL206"
    bad = "base = Pretrain(data='data/train')"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for item in graph.misplaced:
            what = "nothing" if item.value is None else _named(item.value)
            wanted = " or ".join(kind.__name__ for kind in item.field.wanted)
            yield self.finding(
                f"`{type(item.consumer).__name__}.{item.field.name}` is given {what}, not a stage",
                at=graph.argument(item.consumer, item.field.name),
                help=_instead(item.value, item.field, wanted),
            )
        for stage in graph.order:
            for field in graph.type(stage).inputs:
                given = _shape(getattr(stage, field.name))
                taken = _shapes(field)
                if given == "named" and not all(isinstance(key, str) for key in getattr(stage, field.name)):
                    at = graph.argument(stage, field.name)
                    yield self.finding(f"`{type(stage).__name__}.{field.name}` has keys that are no strings", at=at, help="name each stage")
                elif given and given not in taken:
                    yield self.finding(
                        f"`{type(stage).__name__}.{field.name}` is given {_WORDS[given]}, and reads {_WORDS[taken[0]]}",
                        at=graph.argument(stage, field.name),
                        help=_ADVICE[taken[0]].format(field=field.name),
                    )
        for gate in graph.pipeline.gates:
            if isinstance(gate, Gate) and gate.of is not None and not is_stage(gate.of):
                at = gate.mark.span() if gate.mark else graph.pipeline_argument("gates")
                yield self.finding(
                    f"`of` of the gate on `{gate.metric}` is given {_named(gate.of)}, not a stage", at=at, help="give the stage itself"
                )


_WORDS = {"one": "one stage", "several": "several stages", "named": "stages by name"}
_ADVICE = {
    "one": "give one stage, not in parentheses",
    "several": "write `{field}=(stage,)`, with a comma, if there is only one",
    "named": 'write `{field}={{"name": stage}}`',
}


def _instead(value: object, field: Field, wanted: str) -> str:
    """What to write instead of what is no stage."""
    if isinstance(value, type) and issubclass(value, Ref):
        return f"call it: `{value.__name__}(...)`"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes) and "several" in _shapes(field):
        return f"write a tuple or a list: `{field.name}=tuple(...)`"
    return f"give a stage that makes {wanted}"


def _named(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def _shape(value: object) -> str:
    """In which shape stages are given; empty for what is no stage at all, which is reported as such."""
    if isinstance(value, list | tuple):
        return "several"
    if isinstance(value, Mapping):
        return "named"
    return "one" if is_stage(value) else ""


@cache
def _shapes(field: Field) -> list[str]:
    """In which shapes an input takes stages: one, several in a row, or several by name."""
    found: list[str] = []
    for arm in get_args(field.hint) if get_origin(field.hint) in (Union, types.UnionType) else (field.hint,):
        origin: Any = get_origin(arm) or arm
        if isinstance(origin, type) and issubclass(origin, Ref):
            found.append("one")
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            found.append("named")
        elif isinstance(origin, type) and issubclass(origin, Iterable):
            found.append("several")
    return found or ["one"]
