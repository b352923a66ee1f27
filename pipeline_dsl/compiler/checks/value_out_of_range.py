import difflib
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class ValueOutOfRange(ShapeCheck):
    """A field is outside of what it may be: a negative count, a share above one, a word that is not among the choices."""

    code = "PDSL203"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()), learning_rate=-1e-3)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()), learning_rate=1e-3)"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            for field in graph.type(stage).fields:
                if field.range is None and not field.choices:
                    continue
                value = getattr(stage, field.name)
                where = f"`{type(stage).__name__}.{field.name}`"
                if field.range and isinstance(value, int | float) and not field.range.holds(value):
                    at = graph.argument(stage, field.name)
                    yield self.finding(f"{where} is {value:g}; it must be {field.range}", at=at)
                elif field.choices and value not in field.choices:
                    close = difflib.get_close_matches(str(value), [str(choice) for choice in field.choices], n=1)
                    yield self.finding(
                        f"{where} is {value!r}; it is one of " + ", ".join(repr(choice) for choice in field.choices),
                        at=graph.argument(stage, field.name),
                        help=f"did you mean {close[0]!r}?" if close else "",
                    )
