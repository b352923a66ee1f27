from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.memory import gigabytes, host_bytes
from pipeline_dsl.lang.placement import TrainingPlacement


class HostMemoryExceeded(FactCheck):
    """What is offloaded does not fit into the machine's own memory, as far as that is declared.

    The operating system then ends the processes without a word of CUDA: exit code -9. Each parameter takes 16 bytes there, 18
    with the weights, and DeepSpeed pins up to half as much again (`estimate_zero3_model_states_mem_needs`).
    """

    code = "PDSL334"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=1, offload='weights', on=Hardware(device=H100, host_memory=64e9))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=1, offload='weights', on=Hardware(device=H100, host_memory=256e9))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            place = facts.hardware[stage]
            if not isinstance(placed, TrainingPlacement) or placed.offload == "none" or place.host_memory is None:
                continue
            needed = host_bytes(placed, place)
            if needed.low > place.host_memory:
                yield self.finding(
                    f'`offload="{placed.offload}"` puts {gigabytes(needed.low)} to {gigabytes(needed.high)} into the memory of each '
                    f"machine, which has {gigabytes(place.host_memory)}",
                    at=facts.graph.argument(stage, "offload"),
                    help="spread it over more machines, keep it on the devices, or train adapters",
                )
