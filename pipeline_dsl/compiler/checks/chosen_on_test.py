from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.judged import judged, origin
from pipeline_dsl.compiler.passes.evidence import held_out
from pipeline_dsl.compiler.passes.gates import measured_model
from pipeline_dsl.lang.artifacts import EvalReport


class ChosenOnTest(FactCheck):
    """What a gate judges was chosen by scores on the very set that the gate judges by.

    A stage reads reports (as an input that is not `held_out()`), and what it makes or chooses is measured again on the same
    suite. The best of several has been lucky there as well as good, so its score is too high. Choose on one suite, judge on another.

    Found on day five, the winner of the sweep is no better than the rest. Source: Cawley and Talbot (2010), "On over-fitting in
    model selection", JMLR 11.
    """

    code = "PDSL909"
    severity = Severity.WARNING
    bad = (
        "class Best(Stage[SftModel]):\n    models: tuple[Ref[SftModel], ...]\n    reports: tuple[Ref[EvalReport], ...]\n"
        "    def run(self, work: Workspace) -> SftModel: ...\n"
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsuite = Suite()\n"
        "tried = [Sft(base=base, max_length=n) for n in (512, 1024)]\n"
        "best = Best(models=tuple(tried), reports=tuple(Evaluate(model=one, suite=suite) for one in tried))\n"
        "final = Evaluate(model=best, suite=suite)\n"
        "pipeline = Pipeline(name='p', targets=[final], gates=[metric('mmlu', of=final) >= 60])"
    )
    good = bad.replace("final = Evaluate(model=best, suite=suite)", "final = Evaluate(model=best, suite=Suite(tasks=('mmlu',)))")

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        read = [edge for edge in graph.edges if not edge.field.held_out and issubclass(graph.type(edge.producer).produces, EvalReport)]
        by = judged(facts) if read else {}
        told: set[AnyStage] = set()
        for edge in read:
            for source in held_out(graph, edge.producer):
                gate = by.get(origin(facts, source))
                if gate is None or edge.consumer in told:
                    continue
                models = [measured_model(graph, stage) for stage in gate.stages]
                if not any(model is edge.consumer or edge.consumer in graph.ancestors(model) for model in models):
                    continue
                told.add(edge.consumer)
                yield self.finding(
                    f"`{graph.names[edge.consumer]}` chooses by scores on `{graph.names[origin(facts, source)]}`, "
                    f"and the gate `{gate.gate}` judges what it chose by the same",
                    at=graph.argument(edge.consumer, edge.field.name),
                    related=[("measured here", graph.span(edge.producer)), ("judged here", graph.span(gate.stages[0]))],
                    help="choose on a suite of its own, and keep the gate's for the one that was chosen",
                )
