from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class ValueUnspellable(FactCheck):
    """A field holds a value that has no canonical spelling, so no digest could be taken of it.

    Functions, open files, NaN and objects that print their address look different in every process.
    """

    code = "PDSL204"
    bad = "web = Crawl(filter=lambda text: True)\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(filter='english')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for item in facts.unspelled:
            yield self.finding(
                f"`{type(item.stage).__name__}.{item.field}` has no fixed spelling: {item.reason}",
                at=facts.graph.argument(item.stage, item.field),
            )
