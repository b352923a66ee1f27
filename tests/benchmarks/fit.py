"""Predicted memory beside measured memory: tiny models that really train, and DeepSpeed's own estimators."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.memory import ELEMENT, Bytes
from pipeline_dsl.compiler.passes import memory
from pipeline_dsl.compiler.passes.memory import training
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.architecture import Experts, Llama
from pipeline_dsl.lang.placement import TrainingPlacement
from pipeline_dsl.ml.launch import launch
from tests.benchmarks import training_step
from tests.benchmarks.ours import environment
from tests.benchmarks.table import Row
from tests.benchmarks.usage import Failed, measure

ALONE_OFF = 0.10
"""How far the likely figure may be from the measured one, in one process."""
TOGETHER_OFF = 0.30
"""The same under ZeRO, whose buffers are made for models a thousand times as large; fp32 at stage 3 is the worst of them."""

SHAPE = Llama(hidden=256, layers=6, heads=8, kv_heads=8, ffn=688, vocabulary=2048, context=512)
GROUPED = attrs.evolve(SHAPE, kv_heads=2)
WORDY = attrs.evolve(SHAPE, layers=2, vocabulary=24_000)
WIDE = attrs.evolve(SHAPE, hidden=512, layers=3, ffn=1376)
"""With matrices that ZeRO-3 divides: smaller ones than 1e5 entries it leaves whole."""
OTHER = Llama(hidden=384, layers=4, heads=6, kv_heads=3, ffn=1024, vocabulary=4096, context=512, tied=True)
"""A shape that no factor of the formulae was looked at with."""
MIXED = attrs.evolve(SHAPE, layers=4, experts=Experts(count=4, active=2, ffn=344))
BASE = TrainingPlacement(model=SHAPE, processes=1, rows=4, length=256, micro_batch=1, batch=1, precision="fp32")
"""One forward pass a step; `micro_batch` says so, `rows` how many rows it has."""

ALONE: dict[str, TrainingPlacement] = {
    "fp32": BASE,
    "fp32, twice the rows": attrs.evolve(BASE, rows=8),
    "fp32, plain attention": attrs.evolve(BASE, attention="eager"),
    "fp32, all recomputed": attrs.evolve(BASE, recompute="full", rows=8),
    "fp32, some recomputed": attrs.evolve(BASE, recompute="selective", rows=8),
    "fp32, grouped queries": attrs.evolve(BASE, model=GROUPED),
    "fp32, large vocabulary": attrs.evolve(BASE, model=WORDY),
    "fp32, experts": attrs.evolve(BASE, model=MIXED),
    "fp32, adapters": attrs.evolve(BASE, lora=Lora(rank=8)),
    "fp32, another shape": attrs.evolve(BASE, model=OTHER, rows=3, length=320),
    "fp32, another shape, some recomputed": attrs.evolve(BASE, model=OTHER, rows=3, length=320, recompute="selective"),
    "bf16": attrs.evolve(BASE, precision="bf16", rows=1, length=128),
    "bf16, all recomputed": attrs.evolve(BASE, precision="bf16", recompute="full", rows=1, length=128),
    "bf16, large vocabulary": attrs.evolve(BASE, precision="bf16", model=attrs.evolve(WORDY, hidden=128, ffn=344), rows=1, length=128),
}
TOGETHER: dict[str, TrainingPlacement] = {
    f"{precision}, ZeRO-{stage} on 2": attrs.evolve(
        BASE, model=WIDE, length=64, precision=precision, processes=2, zero_stage=stage, rows=1, batch=2, recompute="full"
    )
    for precision in ("fp32", "bf16")
    for stage in (1, 2, 3)
}


def rows(folder: Path) -> Iterator[Row]:
    """Each case's likely figure beside the measured peak, then the states beside DeepSpeed's estimate."""
    for (name, case), peak in zip(ALONE.items(), _alone(folder), strict=True):
        yield _row(name, predicted(case), peak, ALONE_OFF)
    for (name, case), peak in zip(TOGETHER.items(), _together(folder / "together"), strict=True):
        element = ELEMENT[case.precision]
        ours = predicted(case) + Bytes(0, 1, 2) * (element * (training_step.BUCKET - memory.BUCKET))
        yield _row(name, ours, peak, TOGETHER_OFF)
    yield from _estimators()


def predicted(case: TrainingPlacement) -> Bytes:
    """What the compiler would say, without what a device takes for itself."""
    return sum(training(case).values(), Bytes())


def _row(name: str, ours: Bytes, measured: float, most: float) -> Row:
    inside = ours.low <= measured <= ours.high
    off = ours.likely / measured
    return Row(
        f"peak memory, {name}",
        f"{ours.likely / 1e6:.0f} MB ({ours.low / 1e6:.0f}-{ours.high / 1e6:.0f})",
        f"{measured / 1e6:.0f} MB measured",
        f"{off:.2f}x",
        f"{1 - most:.2f}-{1 + most:.2f}x, in range",
        inside and abs(off - 1) <= most,
    )


def _alone(folder: Path) -> list[float]:
    """The peak of each case, all of one child."""
    told, out = folder / "cases.json", folder / "peaks.json"
    told.write_text(json.dumps([unstructure(case) for case in ALONE.values()]), encoding="utf-8")
    used = measure([sys.executable, "-m", "tests.benchmarks.training_step", told, out], cwd=folder, environment=environment())
    if not out.exists():
        raise Failed(f"the steps left no peaks ({used})")
    return [float(peak) for peak in json.loads(out.read_text(encoding="utf-8"))]


def _together(folder: Path) -> list[float]:
    """The largest peak of any rank, for each case; all of one launch."""
    folder.mkdir(parents=True)
    cases = [unstructure(case) for case in TOGETHER.values()]
    launch("tests.benchmarks.training_step:rank", {"cases": cases, "folder": str(folder)}, processes=2, threads=2, folder=folder)
    found: list[float] = []
    for number in range(len(cases)):
        peaks = [json.loads((folder / f"{number}-{rank}.json").read_text(encoding="utf-8"))["peak"] for rank in (0, 1)]
        found.append(float(max(peaks)))
    return found


def _estimators() -> Iterator[Row]:
    """Weights, gradients and optimizer state of seven billion parameters beside what DeepSpeed estimates for a GPU."""
    two: Any = import_module("deepspeed.runtime.zero.stage_1_and_2").estimate_zero2_model_states_mem_needs
    three: Any = import_module("deepspeed.runtime.zero.stage3").estimate_zero3_model_states_mem_needs
    shape = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
    count, largest = shape.parameters, shape.hidden * 3 * shape.ffn + 4 * shape.hidden**2
    for devices in (8, 64):
        for offload in ("none", "optimizer"):
            case = TrainingPlacement(model=shape, processes=devices, rows=1, length=1, zero_stage=2, offload=offload)
            yield _states(f"ZeRO-2 on {devices}, offload {offload}", case, two(count, 8, devices // 8, cpu_offload=offload != "none")[1])
            case = attrs.evolve(case, zero_stage=3)
            theirs = three(count, largest, 8, devices // 8, cpu_offload=offload != "none", cpu_offload_params=False)[1]
            yield _states(f"ZeRO-3 on {devices}, offload {offload}", case, theirs)


def _states(name: str, case: TrainingPlacement, theirs: float) -> Row:
    parts = training(case)
    ours = sum((parts[part] for part in ("weights", "gradients", "optimizer")), Bytes())
    return Row(
        f"states, {name}",
        f"{ours.likely / 1e9:.1f} GB ({ours.low / 1e9:.1f}-{ours.high / 1e9:.1f})",
        f"{theirs / 1e9:.1f} GB by DeepSpeed",
        f"{ours.likely / theirs:.2f}x",
        "in range",
        ours.low <= theirs <= ours.high,
    )
