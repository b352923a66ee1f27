import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.compiler.values import sound, walk
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.gate import Better, Family, Metric, Unit
from pipeline_dsl.lang.label import KINDS, Division, Label
from pipeline_dsl.lang.placement import ServingPlacement, TrainingPlacement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem

WANTED = {
    "problems": "problems",
    "measures": f"names of metrics, or metrics (better: {', '.join(get_args(Better))}; "
    f"unit: {', '.join(get_args(Unit))}; family: {', '.join(get_args(Family))})",
    "cores": "a whole number above 0",
    "holds_evaluation_data": "yes or no",
    "labels": f"labels, each of a kind among {', '.join(map(repr, KINDS))}",
    "clears": f"kinds of labels, each among {', '.join(map(repr, KINDS))}",
    "division": "a Division, or None",
    "size": "a Size of whole numbers that are at least 0",
    "placement": "a TrainingPlacement, a ServingPlacement or None",
    "cost": "a Work of finite numbers that are at least 0",
}
"""What the compiler asks of a stage, which its type may answer in its own way, and what is an answer."""


class StageRaises(ShapeCheck):
    """A stage type answers the compiler with an exception, or with something that is no answer.

    The compiler asks a stage for its `problems`, `measures`, `size` and `cost` before anything runs. Sizes may be unknown, as
    None; a `cost` that fails on one is taken as unknown. Any other exception there is a slip in the stage's own code.
    """

    code = "PDSL209"
    bad = (
        "class Count(Stage[Corpus]):\n    language: str\n    def measures(self):\n        return [{'en': 'mmlu'}[self.language]]\n"
        "    def run(self, work: Workspace) -> Corpus: ...\ncounted = Count(language='fr')"
    )
    good = (
        "class Count(Stage[Corpus]):\n    language: str\n    def measures(self):\n        return {'en': ['mmlu']}.get(self.language, [])\n"
        "    def run(self, work: Workspace) -> Corpus: ...\ncounted = Count(language='fr')"
    )

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        if graph.cycle or graph.misplaced or graph.undescribed:
            return
        if not any(_own(cls) for cls in {type(stage) for stage in graph.order}):
            return
        known: dict[Any, Size] = {}
        for stage in graph.order:
            for name in _own(type(stage)) or ("size",):
                fault = _fault(stage, name, known)
                if fault and sound(stage):
                    yield self.finding(f"`{type(stage).__name__}.{name}` {fault}", at=graph.span(stage))


@cache
def _own(cls: type[AnyStage]) -> tuple[str, ...]:
    """The methods that a class, or one that it is derived from outside of this package, answers in its own way."""
    return tuple(name for name in WANTED if not getattr(cls, name).__module__.startswith("pipeline_dsl."))


def _fault(stage: AnyStage, name: str, known: dict[Any, Size]) -> str:
    """What is wrong with an answer; empty if nothing is."""
    sized = name in ("size", "cost", "placement")
    lenient = (ArithmeticError, TypeError, ValueError, AttributeError) if sized else ()
    answer: Callable[..., Any] = getattr(stage, name)
    try:
        given: Any = answer(Sizes(known)) if sized else answer()
        if name in _SEVERAL:
            if isinstance(given, str):
                return f"gave {given!r}, which Python reads letter by letter: write ({given!r},), with a comma"
            given = list(given)
    except lenient:
        return ""
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if name == "size" and _answers(name, given):
        known[stage] = given
    return "" if _answers(name, given) else f"gave {given!r:.80}, not {WANTED[name]}"


_SEVERAL = ("problems", "measures", "labels", "clears")


def _answers(name: str, given: Any) -> bool:
    if name == "problems":
        return all(isinstance(item, Problem) for item in given)
    if name == "measures":
        return all(isinstance(item, str) or (isinstance(item, Metric) and not any(walk(item, Metric))) for item in given)
    if name == "labels":
        return all(isinstance(item, Label) and item.kind in KINDS for item in given)
    if name == "clears":
        return all(item in KINDS for item in given)
    if name == "division":
        return given is None or isinstance(given, Division)
    if name == "cores":
        return type(given) is int and given > 0
    if name == "cost":
        return isinstance(given, Work) and all(
            isinstance(value, int | float) and 0 <= value < math.inf for value in (given.flops, given.seconds)
        )
    if name == "placement":
        return given is None or isinstance(given, TrainingPlacement | ServingPlacement)
    return name != "size" or (isinstance(given, Size) and _countable(given))


def _countable(given: Size) -> bool:
    """Whether what is said of an artifact can be reckoned with."""
    tasks: Any = given.tasks
    counts: list[Any] = [given.tokens, given.examples, *(tasks.values() if isinstance(tasks, Mapping) else ())]
    return (
        isinstance(tasks, Mapping)
        and isinstance(given.model, Llama | None)
        and all(count is None or (isinstance(count, int | float) and 0 <= count < math.inf) for count in counts)
        and (given.bits is None or (isinstance(given.bits, int | float) and 0 < given.bits < math.inf))
    )
