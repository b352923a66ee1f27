from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.device import DEVICES
from pipeline_dsl.lang.placement import TrainingPlacement


class TensorBeyondDomain(FactCheck):
    """Tensor parallelism across more devices than one fast link joins.

    Its devices exchange activations four times a layer and step; over the network between machines that takes longer than the
    arithmetic, and utilization falls to a fraction. Source: Narayanan et al. (2021), arXiv:2104.04473, takeaway 1: up to the GPUs
    of one server by tensor, beyond it by pipeline.
    """

    code = "PDSL326"
    severity = Severity.WARNING
    bad = (
        "base = Train(data=Tokenize(corpus=Crawl()), processes=16, parallel=Parallel(tensor=16), "
        "on=Hardware(device=H100, count=8, nodes=2))"
    )
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()), processes=16, parallel=Parallel(tensor=8, pipeline=2), zero_stage=1, "
        "on=Hardware(device=H100, count=8, nodes=2))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            place = facts.hardware[stage]
            if not isinstance(placed, TrainingPlacement) or not place.device.accelerator or place.device.name not in DEVICES:
                continue
            near = min(place.device.domain, max(place.count, 1)) if place.device.domain <= 8 else place.device.domain
            tensor = placed.parallel.tensor
            if tensor <= near:
                continue
            yield self.finding(
                f"{tensor} devices share every matrix, and a fast link joins {near} x {place.device.name}",
                at=facts.graph.argument(stage, "parallel"),
                help=f"write `tensor={near}, pipeline={-(-tensor // near) * placed.parallel.pipeline}`",
            )
