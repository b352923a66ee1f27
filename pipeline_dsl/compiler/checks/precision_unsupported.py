from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.device import Device

FORMATS = {
    "bf16": "bf16",
    "bfloat16": "bf16",
    "fp16": "fp16",
    "float16": "fp16",
    "fp8": "fp8",
    "mxfp8": "fp8",
    "nvfp4": "fp4",
    "fp4": "fp4",
}
"""What stages call a number format, and what the catalogue of devices does."""


class PrecisionUnsupported(FactCheck):
    """A stage computes in a number format that its device has no arithmetic for.

    bf16 came with Ampere: on a V100 trainers refuse it (`Your setup doesn't support bf16/gpu`), or emulate it many times slower.
    fp8 came with Ada and Hopper, fp4 with Blackwell. fp16 needs loss scaling, and is what a V100 has.
    """

    code = "PDSL330"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, on=Hardware(device=V100, count=8, nodes=2))"
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=16, precision='fp16', on=Hardware(device=V100, count=8, nodes=2))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage in facts.graph.order:
            for field in ("precision", "dtype", "kv_cache_dtype"):
                said: Any = stage.__dict__.get(field)
                wanted = FORMATS.get(said) if isinstance(said, str) else None
                device = facts.hardware[stage].device
                if wanted is None or not device.accelerator or getattr(device, wanted) > 0 or (wanted == "fp16" and device.bf16 > 0):
                    continue
                has = [name for name in ("bf16", "fp16") if getattr(device, name) > 0]
                yield self.finding(
                    f"{device.name} has no {wanted} arithmetic",
                    at=facts.graph.argument(stage, field),
                    help=_instead(stage, field, device, has),
                )


def _instead(stage: AnyStage, field: str, device: Device, has: list[str]) -> str:
    longer = {"bf16": "bfloat16", "fp16": "float16"} if field != "precision" else {}
    told = f'write `{field}="{longer.get(has[0], has[0])}"`' if has else f"do not run it on {device.name}"
    return f"{told}, or take a device that has it"
