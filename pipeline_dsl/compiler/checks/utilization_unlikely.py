from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.places import declared_places, written
from pipeline_dsl.lang.utilization import CEILING


class UtilizationUnlikely(FactCheck):
    """A declared MFU is above all that was ever published in 16 bits, so the run takes longer and costs more than is estimated.

    Published runs reach 20 to 50% over their whole length, the best measured steps about 65%. More is most often the share of
    another peak (half of the true one), a utilization that counts recomputed activations (HFU), or what a monitor calls the GPU's load.
    Found on day five, the cluster is booked for half of the time that the run needs. Sources: Chowdhery et al. (2022),
    arXiv:2204.02311, table 3; the runs in `tests/benchmarks/published/`.
    """

    code = "PDSL610"
    severity = Severity.WARNING
    bad = "web = Crawl(on=Hardware(device=H100, count=8, mfu=0.9))\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(on=Hardware(device=H100, count=8, mfu=0.4))\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        eight_bit = {id(facts.hardware[stage]) for stage, work in facts.works.items() if work.precision == "fp8"}
        for place, stage in declared_places(facts.graph):
            if place.mfu is None or not CEILING < place.mfu <= 1 or not place.device.accelerator or id(place) in eight_bit:
                continue
            yield self.finding(
                f"`mfu` is {place.mfu:g}; no published training reached more than {CEILING:g} of a {place.device.name}'s 16-bit peak",
                at=written(facts.graph, stage),
                help="leave `mfu` out, and one is predicted from published runs; or measure: model FLOPs a second over the dense peak",
            )
