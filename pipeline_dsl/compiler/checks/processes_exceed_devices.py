from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import said
from pipeline_dsl.lang.artifacts import ServerSpec
from pipeline_dsl.lang.placement import SHARING, TrainingPlacement


class ProcessesExceedDevices(FactCheck):
    """A stage starts more processes than its hardware has accelerators.

    One process trains on one GPU: with two on the same one, NCCL stops with `Duplicate GPU detected`, or `cuda:8` is an invalid
    device ordinal; either once the job has its nodes. A server that shares a model between more GPUs than it has never starts.
    """

    code = "PDSL323"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, on=Hardware(device=H100, count=8))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, on=Hardware(device=H100, count=8, nodes=2))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        yield from self._served(facts)
        for stage, placed in facts.placements.items():
            place = facts.hardware[stage]
            if not isinstance(placed, TrainingPlacement) or not place.device.accelerator or placed.processes <= place.devices:
                continue
            nodes = -(-placed.processes // place.count)
            yield self.finding(
                f"{placed.processes} processes share {place.devices} x {place.device.name} ({place.nodes} nodes of {place.count})",
                at=facts.graph.argument(stage, "processes"),
                help=f"write `processes={place.devices}`, or `nodes={nodes}` in `Hardware(...)`",
            )

    def _served(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in graph.order:
            place = facts.hardware[stage]
            if not issubclass(graph.type(stage).produces, ServerSpec) or not place.device.accelerator:
                continue
            for name in SHARING:
                tensor = said(stage, name, int)
                if tensor is not None and tensor > place.devices:
                    yield self.finding(
                        f"{tensor} devices are to share the model, and the server has {place.devices} x {place.device.name}",
                        at=graph.argument(stage, name),
                        help=f"write `{name}={place.devices}`, or give it more: `count={tensor}` in `Hardware(...)`",
                    )
