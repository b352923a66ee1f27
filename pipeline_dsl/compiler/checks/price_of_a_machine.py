from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.places import declared_places, written

_AROUND = 1.25
"""How far a price may lie outside of the listed ones and still be a price of one device."""

_ONCE = 2.0
"""How far above today's listed prices one of earlier years may lie, for each device of a machine."""


class PriceOfAMachine(FactCheck):
    """`Hardware.price` is that of one device for an hour, and the one given is that of a whole machine.

    Providers list both. The estimate and the budget are then too high by the number of devices in a machine, and the run is held
    back, or its budget raised until it bounds nothing.
    """

    code = "PDSL611"
    severity = Severity.WARNING
    bad = "web = Crawl(on=Hardware(device=H100, count=8, price=23.92))\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(on=Hardware(device=H100, count=8, price=2.99))\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for place, stage in declared_places(facts.graph):
            listed = place.device.price_range
            if place.price is None or listed is None or place.count < 2:
                continue
            low, high = listed
            each = place.price / place.count
            if place.price > _AROUND * high and low / _AROUND <= each <= _ONCE * high:
                yield self.finding(
                    f"`price` is ${place.price:g} an hour of one {place.device.name}, which is listed at ${low:g} to ${high:g}; "
                    f"it looks like the price of all {place.count}",
                    at=written(facts.graph, stage),
                    help=f"write price={each:.4g}",
                )
