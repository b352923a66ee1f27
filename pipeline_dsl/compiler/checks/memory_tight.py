from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.checks.memory_exceeded import advice, place_of
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.memory import gigabytes
from pipeline_dsl.compiler.remedy import remedy


class MemoryTight(FactCheck):
    """A stage likely needs more memory than its device has, though an engine that fuses more may get by.

    Such a run may end with `CUDA out of memory` at its longest rows, hours after it began. A kernel that never keeps the scores
    over the vocabulary, or fused norms, may make it fit: then say so with `allow`.
    """

    code = "PDSL321"
    severity = Severity.WARNING
    bad = "base = Train(data=Tokenize(corpus=Crawl()), micro_batch=4, recompute='none', processes=2, on=Hardware(device=H200, count=2))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), micro_batch=1, processes=8, on=Hardware(device=H200, count=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, footprint in facts.memory.items():
            if not footprint.tight:
                continue
            place = facts.hardware[stage]
            found = remedy(stage, facts.placements[stage], place)
            yield self.finding(
                f"`{facts.graph.names[stage]}` likely needs {gigabytes(footprint.total.likely)} on each {place.device.name} "
                f"({gigabytes(footprint.total.low)} to {gigabytes(footprint.total.high)}); it has {gigabytes(footprint.capacity)}. "
                f"{footprint.breakdown()}",
                at=place_of(facts, stage, found),
                help=advice(facts, stage, found),
            )
