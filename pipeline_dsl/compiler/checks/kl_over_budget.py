from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.divergence import aligns


class KlOverBudget(FactCheck):
    """The KL budgets that alignment stages declare add up, along one path, to more than the pipeline allows.

    The sum is a budget, and no bound on how far the last policy is from the first reference: divergences do not add up. The gate
    on `kl_from_reference` measures that itself.
    """

    code = "PDSL506"
    bad = (
        "policy = Dpo(policy=Sft(base=Pretrain(data=Tokenize(corpus=Crawl()))), kl_budget=30.0)\n"
        "pipeline = Pipeline(name='p', targets=[policy], budget=Budget(kl=25))"
    )
    good = (
        "policy = Dpo(policy=Sft(base=Pretrain(data=Tokenize(corpus=Crawl()))), kl_budget=10.0)\n"
        "pipeline = Pipeline(name='p', targets=[policy], budget=Budget(kl=25))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        limit = facts.graph.pipeline.budget.kl
        if limit is None:
            return
        worst = max(facts.divergence.items(), key=lambda item: item[1], default=None)
        if worst and worst[1] > limit:
            stage = next(
                stage for stage in reversed(facts.graph.order) if aligns(facts.graph, stage) and facts.divergence[stage] == worst[1]
            )
            yield self.finding(
                f"the declared KL budgets add up to {worst[1]:g} nats at `{facts.graph.names[stage]}`, the pipeline allows {limit:g}",
                at=facts.graph.argument(stage, "kl_budget"),
                related=[("the pipeline's budget", facts.graph.pipeline_argument("budget"))],
                help="lower the stages' budgets, or raise the pipeline's",
            )
