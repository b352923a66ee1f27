from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.trail import hops, spelled


class PersonalDataLearnt(FactCheck):
    """Data that is declared to tell about people reaches something that learns, and no stage on the way takes that out.

    `Ingest` takes it out unless it is told `redact=()`; a stage of your own says that it does by `clears`. What a model has
    learnt it repeats when it is asked the right way (Carlini et al., 2021, arXiv:2012.07805), and nothing takes it back out.

    Found on day five, the weights themselves are personal data: they cannot be released, and the run is lost.
    """

    code = "PDSL907"
    bad = "mail = Crawl(personal=True)\nbase = Pretrain(data=Tokenize(corpus=mail))"
    good = "mail = Crawl(personal=True)\nbase = Pretrain(data=Tokenize(corpus=Redact(corpus=mail)))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge, _ in facts.lineage.reached("personal"):
            path = [*facts.lineage.path(edge.producer, "personal"), edge.consumer]
            yield self.finding(
                f"`{graph.names[edge.consumer]}` learns from personal data that nothing has taken out: {spelled(graph, path)}",
                at=graph.argument(edge.consumer, edge.field.name),
                label="personal data comes in here",
                related=hops(graph, path, first="it tells about people", field="personal"),
                help='let `Ingest` redact it, or a stage of yours whose `clears` gives ("personal",)',
            )
