from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.release import FORBIDS, carried, servers


class UseUndeclared(FactCheck):
    """A server's model descends from what may not be used commercially, and nothing says what the server is for.

    Research may serve it: `Pipeline(use="research")` says so. A pipeline without a server is not asked.

    Found on day five, a demonstration has become a product, and its model has to be trained again without that source.
    """

    code = "PDSL905"
    severity = Severity.WARNING
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='CC-BY-NC-4.0')))\nserver = Serve(model=base)\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base), server], gates=GATES[:3], baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='CC-BY-NC-4.0')))\nserver = Serve(model=base)\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base), server], gates=GATES[:3], baseline=Release(manifest='v1.yaml'), "
        "use='research')"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.graph.pipeline.use is not None:
            return
        for found in carried(facts, servers(facts), ("non-commercial",)):
            yield self.finding(
                f"`{facts.graph.names[found.stage]}` descends from what {FORBIDS[found.label.kind]} "
                f"under {found.label.said or 'its terms'}, and nothing says what it is for: {found.way}{found.others}",
                at=found.at,
                related=found.related,
                help='write use="research" in the pipeline; for commercial use, leave that source out',
            )
