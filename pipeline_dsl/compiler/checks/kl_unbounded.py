from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.divergence import aligns, kl_budget


class KlUnbounded(FactCheck):
    """An alignment stage says nothing that bounds how far it may move the policy.

    Its `kl_budget` is missing, infinite or not positive. What ships must be bounded; research may leave it open.
    """

    code = "PDSL505"
    bad = (
        "policy = Dpo(policy=Sft(base=Pretrain(data=Tokenize(corpus=Crawl()))), kl_budget=float('inf'))\nreport = Evaluate(model=policy)\n"
        "pipeline = Pipeline(name='p', targets=[report], ships=policy, gates=GATES, "
        "baseline=Release(manifest='v1.yaml'), budget=Budget(kl=25))"
    )
    good = (
        "policy = Dpo(policy=Sft(base=Pretrain(data=Tokenize(corpus=Crawl()))), kl_budget=5.0)\nreport = Evaluate(model=policy)\n"
        "pipeline = Pipeline(name='p', targets=[report], ships=policy, gates=GATES, "
        "baseline=Release(manifest='v1.yaml'), budget=Budget(kl=25))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.ships is None:
            return
        refused = {(item.stage, item.field) for item in facts.unspelled}  # `value_unspellable` reports these
        aligning = [stage for stage in facts.graph.order if aligns(facts.graph, stage)]
        for stage in aligning:
            if kl_budget(stage) is None and (stage, "kl_budget") not in refused:
                yield self.finding(
                    f"`{facts.graph.names[stage]}` may move the policy without bound",
                    at=facts.graph.argument(stage, "kl_budget"),
                    help="give `kl_budget=` a finite number of nats a sequence",
                )
        if aligning and facts.graph.pipeline.budget.kl is None:
            yield self.finding(
                "the pipeline aligns a policy and has no KL budget",
                at=facts.graph.pipeline_argument("budget"),
                help="write `budget=Budget(kl=25.0, ...)`, in nats a sequence",
            )
