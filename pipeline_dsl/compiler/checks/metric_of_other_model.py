from collections.abc import Collection, Container, Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.compiler.passes.gates import measured_model
from pipeline_dsl.lang.artifacts import CausalModel, Policy, SftModel


class MetricOfOtherModel(FactCheck):
    """A gate reads a metric of a model that what ships does not descend from.

    The evidence would be true, and about something else.
    """

    code = "PDSL510"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nother = Pretrain(data=Tokenize(corpus=Crawl(depth=9)))\n"
        "report = Evaluate(model=other)\n"
        "pipeline = Pipeline(name='p', targets=[base, report], ships=base, gates=[metric('mmlu') >= baseline, "
        "metric('safety_refusal_rate') <= 0.05, metric('cost_total_usd') <= 50], baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nreport = Evaluate(model=base)\n"
        "pipeline = Pipeline(name='p', targets=[base, report], ships=base, gates=[metric('mmlu') >= baseline, "
        "metric('safety_refusal_rate') <= 0.05, metric('cost_total_usd') <= 50], baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.ships is None:
            return
        line = {facts.ships, *facts.graph.ancestors(facts.ships)}
        for bound in facts.gates:
            for stage in bound.stages[:1]:
                model = _subject(facts, bound, stage, line)
                if model not in line:
                    yield self.finding(
                        f"`{bound.gate.metric}` is measured on `{facts.graph.names[model]}`, from which what ships does not descend",
                        at=bound.gate.mark.span() if bound.gate.mark else None,
                        related=[("measured here", facts.graph.span(stage)), ("shipped", facts.graph.span(facts.ships))],
                        help=f"measure `{facts.graph.names[facts.ships]}`, which ships; of several reports, `of=` of the metric names one",
                    )
                elif (
                    model is not stage
                    and issubclass(facts.graph.type(model).produces, CausalModel)  # and no data, which contamination is measured on
                    and (later := _trained_after(facts.graph, model, line))
                ):
                    names = facts.graph.names
                    yield self.finding(
                        f"`{bound.gate.metric}` is measured on `{names[model]}`, and what ships was trained further by "
                        f"`{names[later[-1]]}`",
                        at=bound.gate.mark.span() if bound.gate.mark else None,
                        related=[("measured here", facts.graph.span(stage)), ("trained further", facts.graph.span(later[-1]))],
                        help=f"measure `{names[later[-1]]}`, or what is made of it",
                    )


def _trained_after(graph: Graph, model: AnyStage, line: Collection[AnyStage]) -> list[AnyStage]:
    """The stages of the line that train a model further, in order."""
    after = [stage for stage in graph.order if stage in line and model in graph.ancestors(stage)]
    return [stage for stage in after if issubclass(graph.type(stage).produces, SftModel | Policy) and stage is not model]


def _subject(facts: Facts, bound: Bound, stage: AnyStage, line: Container[AnyStage]) -> AnyStage:
    """What a metric is about: a model, or data that is learnt from; of several inputs one that what ships descends from, if any is."""
    if bound.metric is None or bound.metric.family != "contamination":
        return measured_model(facts.graph, stage)
    read = [edge.producer for edge in facts.graph.inputs.get(stage, ()) if not edge.field.held_out]
    return next((data for data in read if data in line), read[0] if read else stage)
