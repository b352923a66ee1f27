from collections.abc import Iterator
from typing import Any, cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import said, task_name
from pipeline_dsl.lang.artifacts import EvalSuite, QuantizedModel


class TaskTwice(FactCheck):
    """A suite holds a task twice, or a difference is averaged over a task that is there twice.

    The second file of a name replaces the first one, and an average counts a task double: either way, the number is about other
    questions than the declaration says.
    """

    code = "PDSL234"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "report = Evaluate(model=base, suite=Suite(tasks=('mmlu', 'gsm8k', 'mmlu')), tasks=('mmlu',))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "report = Evaluate(model=base, suite=Suite(tasks=('mmlu', 'gsm8k')), tasks=('mmlu',))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in graph.order:
            if not issubclass(graph.type(stage).produces, EvalSuite | QuantizedModel):
                continue
            tasks = cast("tuple[Any, ...]", said(stage, "tasks", tuple) or ())
            keys = [(task_name(task), getattr(task, "source", None)) for task in tasks]
            for name in dict.fromkeys(name for name, source in keys if keys.count((name, source)) > 1):
                yield self.finding(
                    f"task `{name}` is there {sum(other == name for other, _ in keys)} times",
                    at=graph.argument(stage, "tasks"),
                    help="name each task once",
                )
