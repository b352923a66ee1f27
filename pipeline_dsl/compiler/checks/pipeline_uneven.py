from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class PipelineUneven(FactCheck):
    """Pipeline parallelism that does not divide the layers evenly.

    Megatron asserts that the layers are a multiple of the pipeline's devices; older versions silently trained fewer layers. In
    pipelines deeper than 8, what comes before and after the layers may take the place of up to three, as in Llama 3 405B with
    126 layers on 16 devices (arXiv:2407.21783, section 3.3.2) and DeepSeek-V3 with 61 (arXiv:2412.19437): these pass.
    """

    code = "PDSL327"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=10, zero_stage=1, parallel=Parallel(pipeline=5))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, zero_stage=1, parallel=Parallel(pipeline=4))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement):
                continue
            layers, depth = placed.model.layers, placed.parallel.pipeline
            if depth == 1 or -layers % depth <= (3 if depth > 8 and layers > depth else 0):
                continue
            near = max(size for size in range(1, min(depth, layers) + 1) if layers % size == 0)
            yield self.finding(
                f"{layers} layers do not divide into {depth} equal groups",
                at=facts.graph.argument(stage, "parallel"),
                help=f"write `pipeline={near}`: {layers // near} layers on each",
            )
