from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class ExpertsIndivisible(FactCheck):
    """Expert parallelism that the experts, or the devices, cannot be divided by.

    Each device of a group holds an equal number of a layer's experts, and the groups lie on the devices that data parallelism
    has. Source: Lepikhin et al. (2020), arXiv:2006.16668, section 3.
    """

    code = "PDSL328"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, parallel=Parallel(expert=8))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), model=MIXED, processes=8, parallel=Parallel(expert=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement) or placed.parallel.expert == 1:
                continue
            fault = _fault(placed)
            if fault:
                yield self.finding(fault[0], at=facts.graph.argument(stage, "parallel"), help=fault[1])


def _fault(placed: TrainingPlacement) -> tuple[str, str] | None:
    experts, expert = placed.model.experts, placed.parallel.expert
    if experts is None:
        return f"the model has no experts to divide over {expert} devices", "leave `expert` out, or declare `experts=Experts(...)`"
    if experts.count % expert:
        near = max(size for size in range(1, expert + 1) if experts.count % size == 0)
        return f"{experts.count} experts do not divide over {expert} devices", f"write `expert={near}`"
    # Megatron may fold expert groups over tensor and context devices as well, so all but the pipeline count
    group = placed.processes // placed.parallel.pipeline
    if group % expert:
        return f"{group} devices of one pipeline part do not divide into groups of {expert}", f"write `processes` as a multiple of {expert}"
    return None
