from collections.abc import Iterator
from functools import cache
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class DimensionIgnored(FactCheck):
    """A stage is told to divide its model in a way that its engine does not know.

    The trainers here run DeepSpeed: copies of the model, with what ZeRO divides. Told to divide matrices or layers they would
    train whole copies and say nothing. A stage type of your own, on another engine, names what that can do in `dimensions`.
    """

    code = "PDSL329"
    bad = "class Plain(Train):\n    dimensions = ()\nbase = Plain(data=Tokenize(corpus=Crawl()), processes=8, parallel=Parallel(tensor=8))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, parallel=Parallel(tensor=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            known = engine(type(stage))
            if known is None or not isinstance(placed, TrainingPlacement):
                continue
            parallel = placed.parallel
            asked = [name for name in ("tensor", "pipeline", "context", "expert") if getattr(parallel, name) > 1]
            asked += ["sequence"] if parallel.sequence else []
            ignored = [name for name in asked if name not in known]
            if not ignored:
                continue
            runs = f"only {', '.join(known)} parallelism" if known else "only copies of the whole model"
            yield self.finding(
                f"the engine of {type(stage).__name__} runs {runs}; `{'`, `'.join(ignored)}` would be ignored",
                at=facts.graph.argument(stage, "parallel"),
                help="divide by `zero_stage=3` and leave `parallel` out, or use a stage type whose engine names it in `dimensions`",
            )


@cache
def engine(cls: type[Any]) -> tuple[str, ...] | None:
    """The ways of dividing a model that a class's engine knows; None where `run` is somebody's own and nothing is said of it."""
    for base in cls.__mro__:
        if "dimensions" in vars(base):
            named: Any = vars(base)["dimensions"]
            return (named,) if isinstance(named, str) else tuple(named)
        if "run" in vars(base) and not base.__module__.startswith("pipeline_dsl."):
            return None
    return None
