from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import EvalReport

SETTINGS = ("shots", "num_fewshot", "num_shots", "fewshot", "chat", "apply_chat_template")
"""Fields that say how a task is asked."""


class EvaluationUnpinned(FactCheck):
    """A gate reads an evaluation that leaves it to the harness how its tasks are asked.

    What a task's file says, or what the next version of the harness takes for granted, then decides the number: MMLU of one model
    is 38.9 without examples and 45.3 with five. Source: Biderman et al. (2024), arXiv:2405.14782, section 3.
    """

    code = "PDSL245"
    severity = Severity.WARNING
    bad = (
        "class Ask(Evaluate):\n    num_fewshot: int | None = None\n\n"
        "report = Ask(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= 40])"
    )
    good = (
        "class Ask(Evaluate):\n    num_fewshot: int | None = None\n\n"
        "report = Ask(model=Pretrain(data=Tokenize(corpus=Crawl())), num_fewshot=5)\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= 40])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        told: set[AnyStage] = set()
        for stage in (stage for bound in facts.gates for stage in bound.stages):
            if stage in told or not issubclass(graph.type(stage).produces, EvalReport):
                continue
            told.add(stage)
            for name in SETTINGS:
                if name in stage.__dict__ and stage.__dict__[name] is None:
                    yield self.finding(
                        f"`{graph.names[stage]}` leaves `{name}` open, and a gate reads what it measures",
                        at=graph.argument(stage, name),
                        help=f"say it: `{name}={'False' if 'chat' in name else 5}`",
                    )
