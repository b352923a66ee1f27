from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import AnyStage, Graph


class NameDuplicate(ShapeCheck):
    """Two stages have one name. Names are compared as the strictest backend sees them, where `_` and `-` are the same."""

    code = "PDSL301"
    bad = "a = Crawl(name='web')\nb = Crawl(name='web', depth=2)\npipeline = Pipeline(name='p', targets=[a, b])"
    good = "a = Crawl(name='web')\nb = Crawl(name='web-deep', depth=2)\npipeline = Pipeline(name='p', targets=[a, b])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        first: dict[str, AnyStage] = {}
        for stage, name in graph.names.items():
            other = first.setdefault(str(name).replace("_", "-"), stage)
            if other is not stage:
                yield self.finding(
                    f"the name `{name}` is taken",
                    at=graph.argument(stage, "name"),
                    related=[("by this stage", graph.span(other))],
                    help="give each stage its own name, or none",
                )
