from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.gates import measured_model
from pipeline_dsl.lang.gate import Baseline
from pipeline_dsl.lang.stage import is_stage


class BaselineOfSameModel(FactCheck):
    """A gate compares a model with a baseline that was measured on the very same model.

    Two evaluations, or two declarations of one, look like a comparison; the difference is rounding, and the gate passes whatever
    training did. The baseline is what the model is to be better than: the one before it, or the last release.
    """

    code = "PDSL244"
    bad = (
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "before = Evaluate(model=sft)\nafter = Evaluate(model=sft, metrics=('mmlu',))\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu', of=after) >= baseline], baseline=before)"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base)\nafter = Evaluate(model=Sft(base=base))\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu', of=after) >= baseline], baseline=before)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph, before = facts.graph, facts.graph.pipeline.baseline
        if not is_stage(before) or measured_model(graph, before) is before:
            return
        for bound in facts.gates:
            if not isinstance(bound.gate.threshold, Baseline) or len(bound.stages) != 1 or bound.stages[0] is before:
                continue
            (after,) = bound.stages
            model = measured_model(graph, after)
            if model is not after and facts.same(model, measured_model(graph, before)):
                yield self.finding(
                    f"`{bound.gate}` compares `{graph.names[model]}` with itself: the baseline measures the same model",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    related=[("measured here", graph.argument(after, "model")), ("and here", graph.argument(before, "model"))],
                    help="give the baseline the model before it, or `baseline=Release(manifest=...)`",
                )
                return
