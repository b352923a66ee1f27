from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.checks.tokens_few import fresh
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.memory import gigabytes
from pipeline_dsl.compiler.remedy import adapted, larger_device, remedy
from pipeline_dsl.compiler.remedy_served import Remedy
from pipeline_dsl.lang.placement import TrainingPlacement


class MemoryExceeded(FactCheck):
    """A stage needs more memory than its device has, even at the low end of what an engine may need.

    Left alone, the job waits in the queue and ends at its first step with `CUDA out of memory`. Counted are weights, gradients,
    optimizer state, activations, the scores over the vocabulary, and for a server the key-value cache, as they are divided by
    ZeRO, tensor, pipeline, context and expert parallelism. Sources: Rajbhandari et al. (2020), arXiv:1910.02054; Korthikanti et
    al. (2022), arXiv:2205.05198.
    """

    code = "PDSL320"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=1, on=Hardware(device=A100_40))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, on=Hardware(device=H100, count=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, footprint in facts.memory.items():
            if not footprint.exceeds:
                continue
            placed, place = facts.placements[stage], facts.hardware[stage]
            found = remedy(stage, placed, place)
            yield self.finding(
                f"`{facts.graph.names[stage]}` needs about {gigabytes(footprint.total.likely)} on each {place.device.name}, at least "
                f"{gigabytes(footprint.total.low)}; it has {gigabytes(footprint.capacity)}. {footprint.breakdown()}",
                at=place_of(facts, stage, found),
                help=advice(facts, stage, found),
            )


def place_of(facts: Facts, stage: AnyStage, found: Remedy | None) -> Span:
    """The argument that a remedy changes, if it is written there; else where the stage runs; else the stage."""
    graph = facts.graph
    whole = graph.span(stage)
    for field in (found.field if found else "on", "on"):
        span = graph.argument(stage, field)
        if span != whole:
            return span
    return whole


def advice(facts: Facts, stage: AnyStage, found: Remedy | None) -> str:
    """A remedy in words; or, for a fine-tuning that has none, what adapters would take."""
    placed, place = facts.placements[stage], facts.hardware[stage]
    if found is not None:
        return str(found)
    if isinstance(placed, TrainingPlacement) and placed.lora is None and not fresh(facts, stage):
        small = adapted(placed, place)
        if not small.exceeds:
            return (
                'no setting of this stage fits; adapters beside a 4-bit model would: `lora=Lora(base="nf4")`, `micro_batch=1`, '
                f'`recompute="full"` take {gigabytes(small.total.likely)}'
            )
    larger = larger_device(placed, place)
    return str(larger) if larger else "take more devices, or a smaller model"
