from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import said


class PinnedOnMovable(FactCheck):
    """An artifact has a fixed digest and depends on one that comes out differently whenever it is made.

    A crawl, an API or a clock is behind it: the next run stops at the pin, after all that lies between was paid for. A stage says
    that it is of this kind by `movable = True`; pin that one, and what follows stays.
    """

    code = "PDSL242"
    bad = f"class News(Crawl):\n    movable = True\n\ntoday = News()\nbase = Pretrain(data=Tokenize(corpus=today), pin='sha256:{'0' * 64}')"
    good = (
        "class News(Crawl):\n    movable = True\n\n"
        f"today = News(pin='sha256:{'1' * 64}')\nbase = Pretrain(data=Tokenize(corpus=today), pin='sha256:{'0' * 64}')"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        moved: dict[AnyStage, AnyStage] = {}
        for stage in graph.order:
            origin = next((moved[edge.producer] for edge in graph.inputs.get(stage, ()) if edge.producer in moved), None)
            if stage.pin is None:
                if origin is None and said(stage, "movable", bool):
                    origin = stage
                if origin is not None:
                    moved[stage] = origin
            elif origin is not None:
                yield self.finding(
                    f"`{graph.names[stage]}` is pinned, and depends on `{graph.names[origin]}`, which is never the same twice",
                    at=graph.argument(stage, "pin"),
                    related=[("this moves", graph.span(origin))],
                    help=f"pin `{graph.names[origin]}` too, with the digest that it has in the store",
                )
