from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.placement import TrainingPlacement
from pipeline_dsl.lang.stage import stage_type


class DevicesIdle(FactCheck):
    """A stage is given more accelerators than it starts processes for: the others are paid for and idle.

    Its estimate counts all of them as working, and so is too short by as much. Judged where the stage
    says itself how many it starts, and by `on` where it runs.
    """

    code = "PDSL324"
    severity = Severity.WARNING
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, on=Hardware(device=H200, count=8, nodes=4))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, on=Hardware(device=H200, count=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            place = stage.on
            if place is None or not isinstance(placed, TrainingPlacement) or not place.device.accelerator:
                continue
            written = facts.graph.argument(stage, "processes") != facts.graph.span(stage)
            if not (written or _says(stage)) or placed.processes >= place.devices or placed.processes % placed.parallel.copy:
                continue
            yield self.finding(
                f"{placed.processes} processes use {placed.processes} of {place.devices} x {place.device.name}; "
                f"{place.devices - placed.processes} are paid for and idle",
                at=facts.graph.argument(stage, "on"),
                help=f"write `processes={place.devices}`, or take {placed.processes} devices",
            )


def _says(stage: AnyStage) -> bool:
    """Whether a declaration gives its processes: one that leaves them at what its type takes for granted may be started otherwise."""
    return any(field.name == "processes" and stage.__dict__.get("processes") != field.default for field in stage_type(type(stage)).fields)
