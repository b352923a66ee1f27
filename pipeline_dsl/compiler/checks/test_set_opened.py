from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.judged import is_test, judged, origin
from pipeline_dsl.compiler.passes.lineage import learns
from pipeline_dsl.lang.artifacts import ScalingLaw

LOOKED_AT = "validation"
"""The input whose loss people watch while they train, and choose by when to stop and what to try next."""


class TestSetOpened(FactCheck):
    """Training looks at the very test set that a gate judges by, or a scaling law is fitted to one.

    A set that is watched while a model is made is a validation set: when to stop, and what to try next, is chosen by it, so the
    model is fitted to it through those who chose. Keep `test` parts and benchmark suites for the evaluation that the gate reads.

    Found on day five, the gate has confirmed what it was chosen by, and the first honest number comes from users. Source: Dwork
    et al. (2015), "The reusable holdout", Science 349.
    """

    code = "PDSL908"
    severity = Severity.WARNING
    bad = (
        "web = Crawl()\ntest = Part(corpus=web, part='test')\n"
        "class Watched(Pretrain):\n    validation: Ref[Corpus] = held_out()\n"
        "base = Watched(data=Tokenize(corpus=Part(corpus=web, part='train')), validation=test)\n"
        "class Loss(Perplexity):\n    def measures(self):\n        return ('validation_loss',)\n"
        "pipeline = Pipeline(name='p', targets=[Loss(model=base, text=test)], gates=[metric('validation_loss') <= 3.0])"
    )
    good = (
        "web = Crawl()\ntest = Part(corpus=web, part='test')\n"
        "class Watched(Pretrain):\n    validation: Ref[Corpus] = held_out()\n"
        "base = Watched(data=Tokenize(corpus=Part(corpus=web, part='train')), validation=Part(corpus=web, part='validation'))\n"
        "class Loss(Perplexity):\n    def measures(self):\n        return ('validation_loss',)\n"
        "pipeline = Pipeline(name='p', targets=[Loss(model=base, text=test)], gates=[metric('validation_loss') <= 3.0])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph, by = facts.graph, judged(facts)
        for edge in graph.edges:
            if not edge.field.held_out or not learns(graph, edge.consumer):
                continue
            source = origin(facts, edge.producer)
            gate = by.get(source)
            fits = issubclass(graph.type(edge.consumer).produces, ScalingLaw)
            looks = edge.field.name == LOOKED_AT and gate is not None and edge.consumer not in gate.stages
            if not is_test(facts, source) or not (fits or looks):
                continue
            names = graph.names
            yield self.finding(
                f"`{names[edge.consumer]}` looks at the test set `{names[source]}` while it trains"
                + (f", and the gate `{gate.gate}` judges by it" if gate else ""),
                at=graph.argument(edge.consumer, edge.field.name),
                related=[
                    ("the test set", graph.span(source)),
                    *((("the gate's evaluation", graph.span(stage)) for stage in gate.stages) if gate else ()),
                ],
                help="give it a part `validation`, and leave `test` to the evaluation that the gate reads",
            )
