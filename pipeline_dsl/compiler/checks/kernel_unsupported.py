from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.served import packed_as, servings
from pipeline_dsl.lang.device import Device
from pipeline_dsl.lang.placement import ServingPlacement


class KernelUnsupported(FactCheck):
    """A stage is told to use a kernel that its device cannot run.

    FlashAttention-2 runs from Ampere on, in 16 bits only (`FlashAttention only supports Ampere GPUs or newer`); weights packed
    by AWQ need Turing's integer tensor cores; fp8 weights and caches need Ada or Hopper; nvfp4 needs Blackwell.
    """

    code = "PDSL331"
    bad = (
        "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, precision='fp16', attention='flash_attention_2', "
        "on=Hardware(device=V100, count=8, nodes=2))"
    )
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, attention='flash_attention_2', "
        "on=Hardware(device=A100_80, count=8, nodes=2))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage in facts.graph.order:
            device = facts.hardware[stage].device
            for field, fault, help in _faults(facts, stage, device):
                yield self.finding(fault, at=facts.graph.argument(stage, field), help=help)
        for serving, shipped in servings(facts):
            if serving.device is None:
                continue
            wanted = [(packed_as(serving.engine, shipped, facts), "weights")]
            if serving.engine.kv_cache_dtype == "fp8":
                wanted.append(("FP8", "a cache"))
            for form, what in wanted:
                if form in SERVED and not getattr(serving.device, SERVED[form]):
                    yield self.finding(
                        f"{serving.device.name}, which serves `{facts.graph.names[shipped]}`, has no kernels for {what} in {form}",
                        at=facts.graph.pipeline_argument("launchers"),
                        related=[("what it serves", facts.graph.span(shipped))],
                        help="serve on a newer device, or whole 16-bit weights and an `auto` cache",
                    )


def _faults(facts: Facts, stage: AnyStage, device: Device) -> Iterator[tuple[str, str, str]]:
    """(field, what is wrong, what to write) for every kernel that a stage names."""
    attention: Any = stage.__dict__.get("attention")
    if isinstance(attention, str) and attention.startswith("flash_attention"):
        instead = 'write `attention="sdpa"`, which takes the best kernel that there is'
        precision: Any = stage.__dict__.get("precision")
        if not device.accelerator or not device.bf16:  # bf16 came with Ampere
            yield "attention", f"FlashAttention-2 does not run on {device.name}: it needs an Ampere GPU or newer", instead
        elif precision == "fp32":
            yield "attention", "FlashAttention-2 computes in 16 bits, and `precision` is fp32", instead + ', or `precision="bf16"`'
        if attention == "flash_attention_3" and device.accelerator and device.bf16 and not device.fp8:
            yield "attention", f"FlashAttention-3 does not run on {device.name}: it needs Hopper", instead
    for field in ("quantization", "weight_format"):
        said: Any = stage.__dict__.get(field)
        wanted = PACKED.get(said) if isinstance(said, str) and device.accelerator else None
        if wanted and not getattr(device, wanted):
            yield field, f"{device.name} has no kernels for {said} weights", "serve on a newer device, or whole 16-bit weights"
    placed = facts.placements.get(stage)
    if isinstance(placed, ServingPlacement) and device.accelerator and "weight_format" not in stage.__dict__:
        wanted = PACKED.get(placed.weight_format)
        if wanted and not getattr(device, wanted):
            yield "model", f"{device.name} has no kernels for {placed.weight_format} weights", "serve on a newer device, or in 16 bits"


PACKED = {"awq": "int8", "gptq": "int8", "marlin": "bf16", "awq_marlin": "bf16", "gptq_marlin": "bf16", "fp8": "fp8", "nvfp4": "fp4"}
"""What weights are packed as, and the arithmetic that came to devices with the kernels for it."""

SERVED: dict[str | None, str] = {"W4A16_AWQ": "int8", "W4A16": "int8", "W8A16": "int8", "FP8": "fp8", "W4A8_AWQ": "fp8", "NVFP4": "fp4"}
"""The same by TensorRT-LLM's words for formats."""
