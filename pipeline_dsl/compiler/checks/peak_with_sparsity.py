import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.places import declared_places, written
from pipeline_dsl.lang.device import DEVICES, Device

_CLOSE = 0.03


class PeakWithSparsity(FactCheck):
    """A device is described with the peak that its data sheet gives for sparse matrices: twice what training can use.

    2:4 sparsity needs weights of which half are zero, which no training here makes. Hours and dollars come out at half of what
    they are, or a measured MFU at half. Source: NVIDIA H100 Tensor Core GPU Architecture, table 2, footnote on sparsity.
    """

    code = "PDSL612"
    severity = Severity.WARNING
    bad = (
        "on = Hardware(device=Device(name='H100', bf16=1979e12, memory=80 * 10**9, price=2.5, price_date='2026', price_source='ours'))\n"
        "web = Crawl(on=on)\npipeline = Pipeline(name='p', targets=[web])"
    )
    good = "web = Crawl(on=Hardware(device=H100))\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for place, stage in declared_places(facts.graph):
            twin = _sparse_twin(place.device)
            if twin is not None:
                yield self.finding(
                    f"{place.device.peak / 1e12:g} TFLOP/s is the peak of a {twin.name} with sparsity; dense matrices reach half of it",
                    at=written(facts.graph, stage),
                    help=f"write bf16={twin.peak / 1e12:g}e12, or take the catalogue's device",
                )


def _sparse_twin(device: Device) -> Device | None:
    """The device of the catalogue whose sparse 16-bit peak this one, of a like name, claims as its own."""
    words = set(re.split(r"[^a-z0-9]+", device.name.lower()))
    for known in DEVICES.values():
        model = known.name.lower().split("-")[0]
        if model in words and abs(device.peak / (2 * known.peak) - 1) < _CLOSE:
            return known
    return None
