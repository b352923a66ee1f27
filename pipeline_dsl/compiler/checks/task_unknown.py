import difflib
from collections.abc import Iterator
from typing import Any, cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import made_by, said, task_name
from pipeline_dsl.lang.artifacts import EvalSuite


class TaskUnknown(FactCheck):
    """A task is asked that its suite does not hold.

    The harness looks tasks up by name, after the model has been loaded: the evaluation fails at the end of everything that it
    waited for. A suite says what it holds as `tasks`.
    """

    code = "PDSL233"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "report = Evaluate(model=base, suite=Suite(tasks=('mmlu', 'gsm8k')), tasks=('gms8k',))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "report = Evaluate(model=base, suite=Suite(tasks=('mmlu', 'gsm8k')), tasks=('gsm8k',))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge in graph.edges:
            if not issubclass(made_by(graph, edge), EvalSuite):
                continue
            held = cast("tuple[Any, ...] | None", said(edge.producer, "tasks", tuple))
            asked = cast("tuple[Any, ...]", said(edge.consumer, "tasks", tuple) or ())
            if not held or issubclass(graph.type(edge.consumer).produces, EvalSuite):
                continue
            names = [str(task_name(task)) for task in held]
            for name in dict.fromkeys(map(task_name, asked)):
                if name is None or name in names:
                    continue
                close = difflib.get_close_matches(name, names, n=1)
                yield self.finding(
                    f"`{graph.names[edge.producer]}` holds no task `{name}`",
                    at=graph.argument(edge.consumer, "tasks"),
                    related=[("the suite", graph.argument(edge.producer, "tasks"))],
                    help=f"did you mean `{close[0]}`?" if close else f"it holds {', '.join(names)}",
                )
