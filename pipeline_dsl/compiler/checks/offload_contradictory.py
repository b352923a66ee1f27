from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class OffloadContradictory(FactCheck):
    """Offloading is asked for under a ZeRO stage that does not hold the state apart which would be offloaded.

    DeepSpeed offloads the optimizer's state from stage 1 on, and weights at stage 3 only; otherwise it says nothing and keeps
    them on the device. Sources: Ren et al. (2021), arXiv:2101.06840; Rajbhandari et al. (2021), arXiv:2104.07857.
    """

    code = "PDSL333"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), zero_stage=2, offload='weights')"
    good = "base = Train(data=Tokenize(corpus=Crawl()), zero_stage=3, offload='weights')"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement) or placed.offload == "none":
                continue
            least = 3 if placed.offload == "weights" else 1
            if placed.zero_stage < least:
                yield self.finding(
                    f'`offload="{placed.offload}"` needs ZeRO stage {least} or more, and this is stage {placed.zero_stage}',
                    at=facts.graph.argument(stage, "offload"),
                    help=f"write `zero_stage={least}`" + (', or `offload="optimizer"`' if placed.zero_stage >= 1 else ""),
                )
