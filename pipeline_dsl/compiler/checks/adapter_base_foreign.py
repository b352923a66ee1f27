from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import made_by
from pipeline_dsl.lang.artifacts import Adapter, CausalModel, QuantizedModel


class AdapterBaseForeign(FactCheck):
    """An adapter is put onto another model than the one that it was trained beside.

    The matrices fit wherever the shapes do, so nothing fails: W + BA is then another model's W, and the result answers a little
    worse or not at all. Source: Hu et al. (2021), arXiv:2106.09685, equation 3.
    """

    code = "PDSL229"
    bad = (
        "rows = Tokenize(corpus=Crawl())\nbase = Pretrain(data=rows)\nother = Pretrain(data=rows, tokens=2_000)\n"
        "merged = MergeAdapter(base=other, adapter=Adapt(base=base))"
    )
    good = "rows = Tokenize(corpus=Crawl())\nbase = Pretrain(data=rows)\nmerged = MergeAdapter(base=base, adapter=Adapt(base=base))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            adapters = [edge.producer for edge in graph.inputs.get(stage, ()) if issubclass(made_by(graph, edge), Adapter)]
            base = descent.start
            if base is None or not adapters:
                continue
            for adapter in adapters:
                known = facts.descent.get(adapter)
                trained = known.start if known is not None else None
                if trained is None or facts.same(trained, base):
                    continue
                field = next(edge.field.name for edge in graph.inputs[stage] if edge.producer is base and _whole(made_by(graph, edge)))
                yield self.finding(
                    f"`{graph.names[adapter]}` was trained on `{graph.names[trained]}`, not on `{graph.names[base]}`",
                    at=graph.argument(stage, field),
                    label="another base",
                    related=[("trained here", graph.span(adapter))],
                    help="give the model that the adapter was trained on",
                )


def _whole(made: type) -> bool:
    return issubclass(made, CausalModel | QuantizedModel)
