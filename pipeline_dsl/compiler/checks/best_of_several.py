from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.judged import is_test, judged, measurements
from pipeline_dsl.compiler.passes.gates import measured_model


class BestOfSeveral(FactCheck):
    """Variants of one model that differ in plain values only are measured on the very set that a gate judges one of them by.

    Whoever picks the variant to ship after seeing those scores has chosen on the test set. The highest of k noisy scores is above
    its model's true one: by 0.56 standard errors for two, 1.16 for five, 1.54 for ten. The baseline's evaluation does not count.

    Found on day five, the variant that shipped is no better than the others. Source: Recht et al. (2019), arXiv:1902.10811,
    section 2, and Cawley and Talbot (2010), "On over-fitting in model selection", JMLR 11.
    """

    code = "PDSL910"
    severity = Severity.WARNING
    bad = (
        "suite = Suite()\nbase = Pretrain(data=Tokenize(corpus=Crawl()))\ntried = [Sft(base=base, max_length=n) for n in (512, 1024)]\n"
        "scores = [Evaluate(model=one, suite=suite) for one in tried]\n"
        "pipeline = Pipeline(name='p', targets=scores, gates=[metric('mmlu', of=scores[1]) >= 60])"
    )
    good = (
        "suite = Suite()\nlooked = Suite(tasks=('mmlu',))\nbase = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "tried = [Sft(base=base, max_length=n) for n in (512, 1024)]\n"
        "scores = [Evaluate(model=one, suite=looked) for one in tried]\nfinal = Evaluate(model=tried[1], suite=suite)\n"
        "pipeline = Pipeline(name='p', targets=[*scores, final], gates=[metric('mmlu', of=final) >= 60])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        by = {
            source: gate
            for source, gate in judged(facts).items()
            if is_test(facts, source) and (gate.metric is None or gate.metric.family != "divergence")  # nobody ships the least moved
        }
        variants: dict[AnyStage, dict[AnyStage, AnyStage]] = {}
        for stage, source in measurements(facts) if by else ():
            if source in by and stage is not graph.pipeline.baseline:
                variants.setdefault(source, {}).setdefault(measured_model(graph, stage), stage)
        for source, models in variants.items():
            gate = by[source]
            kin: dict[_Kin, list[AnyStage]] = {}
            for one in models:
                kin.setdefault(_kin(facts, one), []).append(one)
            for judging in gate.stages if len(gate.stages) == 1 else ():  # `metric_ambiguous` asks which of several is meant
                model = measured_model(graph, judging)
                alike = [other for other in kin.get(_kin(facts, model), ()) if not facts.same(model, other)]
                if alike:
                    yield self.finding(
                        f"`{graph.names[model]}` and {len(alike)} more variant{'s' if len(alike) > 1 else ''} of it are measured on "
                        f"`{graph.names[source]}`, by which the gate `{gate.gate}` judges it",
                        at=gate.gate.mark.span() if gate.gate.mark else None,
                        related=[
                            ("it is measured here", graph.span(judging)),
                            *((f"so is `{graph.names[one]}`", graph.span(models[one])) for one in alike[:8]),
                        ],
                        help="compare variants on a suite of its own, and ask the gate's of the one that you chose",
                    )


_Kin = tuple[str, tuple[tuple[str, object], ...]]


def _kin(facts: Facts, stage: AnyStage) -> _Kin:
    """A stage's type and what it reads: among stages that have these in common, only plain values differ."""
    inputs = facts.graph.inputs.get(stage, ())
    return facts.graph.type(stage).path, tuple((edge.field.name, facts.definitions.get(edge.producer, edge.producer)) for edge in inputs)
