from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.graph import AnyStage, Edge
from pipeline_dsl.compiler.judged import judged
from pipeline_dsl.lang.artifacts import Adapter, Chats, Corpus, Dataset, Preferences, Prompts, Weights

_DATA = Corpus | Dataset | Chats | Preferences | Prompts


class ContaminationUnsearched(FactCheck):
    """A contamination gate does not see all of it: a model learns from data that nobody looked through, or another gate judges by
    evaluation data that nobody looked for.

    Data counts as looked through if it is an input of the stage that measures contamination, or is made of nothing but such
    data. Tokenizers and scaling laws are left out: they learn no answers.

    Found on day five, the gate has passed, and the questions were in the one data set that was added last. Source: Brown et al.
    (2020), arXiv:2005.14165, section 4.
    """

    code = "PDSL911"
    severity = Severity.WARNING
    bad = (
        "class Search(Stage[EvalReport]):\n    training: tuple[Ref[Corpus], ...]\n    held: Ref[EvalSuite] = held_out()\n"
        "    def measures(self):\n        return ('contamination',)\n    def run(self, work: Workspace) -> EvalReport: ...\n"
        "web, books = Crawl(), Crawl(depth=9)\nbase = Pretrain(data=Tokenize(corpus=web))\nmore = Pretrain(data=Tokenize(corpus=books))\n"
        "clean = Search(training=(web,), held=Suite())\n"
        "pipeline = Pipeline(name='p', targets=[base, more, clean], gates=[metric('contamination') <= 0.1])"
    )
    good = bad.replace("training=(web,)", "training=(web, books)")

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        gates = [bound for bound in facts.gates if bound.metric and bound.metric.family == "contamination" and bound.stages]
        if not gates:
            return
        read = [edge for stage in {stage for bound in gates for stage in bound.stages} for edge in facts.graph.inputs.get(stage, ())]
        yield from self._learnt(facts, gates[0], {edge.producer for edge in read if not edge.field.held_out})
        yield from self._judged(facts, gates[0], {edge.producer for edge in read if edge.field.held_out})

    def _learnt(self, facts: Facts, gate: Bound, read: set[AnyStage]) -> Iterator[Diagnostic]:
        graph = facts.graph
        line = {facts.ships, *graph.ancestors(facts.ships)} if facts.ships else set(graph.order)
        told: set[AnyStage] = set()
        for edge in facts.lineage.learning:
            data = edge.producer
            if data in told or edge.consumer not in line or not _learns_answers(facts, edge) or _looked_through(facts, data, read):
                continue
            told.add(data)
            yield self.finding(
                f"`{graph.names[edge.consumer]}` learns from `{graph.names[data]}`, which `{gate.gate}` does not look through",
                at=graph.argument(edge.consumer, edge.field.name),
                related=[("measured here", graph.span(gate.stages[0]))],
                help=f"give it to `{graph.names[gate.stages[0]]}`, or what it is made of",
            )

    def _judged(self, facts: Facts, gate: Bound, sought: set[AnyStage]) -> Iterator[Diagnostic]:
        graph = facts.graph
        known = {facts.evaluation.get(source, source) for source in sought}
        for source, judging in judged(facts).items():
            if source not in known:
                yield self.finding(
                    f"`{judging.gate}` judges by `{graph.names[source]}`, which `{gate.gate}` does not look for",
                    at=judging.gate.mark.span() if judging.gate.mark else None,
                    related=[("contamination is measured here", graph.span(gate.stages[0])), ("evaluation data", graph.span(source))],
                    help=f"give it to `{graph.names[gate.stages[0]]}`, as data that is held out",
                )


def _learns_answers(facts: Facts, edge: Edge) -> bool:
    graph = facts.graph
    return issubclass(graph.type(edge.consumer).produces, Weights | Adapter) and issubclass(graph.type(edge.producer).produces, _DATA)


def _looked_through(facts: Facts, data: AnyStage, read: set[AnyStage]) -> bool:
    """Whether data was looked through, or all that it is made of."""
    graph = facts.graph
    pending, seen = [data], set[AnyStage]()
    while pending:
        stage = pending.pop()
        if stage in read or stage in seen:
            continue
        seen.add(stage)
        inputs = [edge.producer for edge in graph.inputs.get(stage, ()) if not edge.field.held_out]
        made_of = [parent for parent in inputs if issubclass(graph.type(parent).produces, _DATA)]
        if not made_of:
            return False
        pending.extend(made_of)
    return True
