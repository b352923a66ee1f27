"""Which share of a device's peak a stage will reach, where nobody declared one.

    log(MFU) = sum of weight x feature, +- SPREAD

A regression with few, physical features on 48 published pre-training runs of 23 families, from GPU-hours as they were
reported, restarts included; measured steps of training frameworks count little beside them. `python -m tests.benchmarks cost`
fits it anew, prints these numbers and says how far they are off for families that were left out. It is
about model FLOPs (Chowdhery et al., 2022, arXiv:2204.02311, section 4.1), counted by `base/flops.py`, over the dense 16-bit peak.
"""

import math

import attrs

from pipeline_dsl.lang.device import Device

WEIGHTS = {
    "one": -0.569,
    "eager": -0.287,
    "balance": -0.533,
    "experts": -0.271,
    "fp8": 0.480,
    "network": -0.360,
    "crowding": -0.887,
}
"""What each feature adds to log(MFU)."""

SPREAD = 0.368
"""Half-width of the 80% interval of log(MFU): what four of five families stay within when they are left out, and one more."""

CEILING = 0.75
"""What no published training passed, in 16 bits; in 8 bits it may be twice as much of the 16-bit peak."""

BALANCE = 200e12 / 1e12
"""FLOP a byte of memory traffic up to which the memory keeps the arithmetic fed; an A100-40 has that many."""

MACHINE = 8
"""Devices of one machine; beyond them gradients cross the network."""

SPARSE = 2e6
"""Parameters a device below which there is too little work for each between two exchanges."""

RECOMPUTING = math.log(3 / 4)
"""All activations made again: four forward passes' worth of arithmetic, of which three count. Runs with eager attention nearly all did
so (of GLM-130B's 43% of the peak, 32% were model FLOPs: Zeng et al., 2022, arXiv:2210.02414), and the weight of `eager` holds it."""

SINGLE_PRECISION = math.log(1 / 2)
"""fp32 on tensor cores is TF32, at half the rate of 16 bits."""

PADDED = (math.log(0.7), 0.5)
"""Fine-tuning on unpacked rows of different lengths: what is lost on padding and short steps, and how much wider the interval is.
A judgement, set so that Zephyr's published hours (arXiv:2310.16944) lie inside."""

FITTED = frozenset({"A100-40-SXM", "A100-80-SXM", "A800-80-SXM", "H100-SXM", "H800-SXM", "TPUv3", "TPUv4"})
"""Devices that the runs were on. On others the interval is half as wide again."""

PROCESSOR = (0.25, 0.38, 0.52)
"""Of a CPU's peak: a judgement, no fit."""

DECLARED = (0.80, 1.08)
"""The 80% interval around a declared MFU. Published step speeds against the hours of whole runs: restarts and checkpoints come on top."""

BANDWIDTH = (0.35, 0.55, 0.80)
"""Share of the memory's bandwidth that writing tokens reaches: a rule of thumb of servers, no fit."""


@attrs.frozen
class Utilization:
    """A share of the peak with its 80% interval, and how it came about."""

    low: float
    point: float
    high: float
    basis: str


def features(
    device: Device,
    devices: int,
    *,
    parameters: float | None = None,
    experts: bool = False,
    fp8: bool = False,
    eager: bool = False,
) -> dict[str, float]:
    """What the prediction looks at.

    `balance` is how far the device's arithmetic outgrows its memory; `network` whether there is more than one machine; `crowding`
    how many devices share few parameters: a small model on many devices has little work between two exchanges. `parameters` are
    the active ones; None leaves `crowding` out. `eager` is attention that keeps every score, as before 2022.
    """
    balance = device.peak / device.bandwidth if device.bandwidth else BALANCE
    return {
        "one": 1.0,
        "eager": float(eager),
        "balance": math.log(max(1.0, balance / BALANCE)),
        "experts": float(experts),
        "fp8": float(fp8),
        "network": float(devices > MACHINE),
        "crowding": math.log1p(devices * SPARSE / parameters) if parameters else 0.0,
    }


def predict(
    device: Device,
    devices: int,
    *,
    parameters: float | None = None,
    experts: bool = False,
    precision: str = "bf16",
    attention: str = "sdpa",
    recompute: str = "none",
    padded: bool = False,
) -> Utilization:
    """The share of the 16-bit peak that training, or any other pass over whole rows, will reach."""
    if not device.accelerator:
        return Utilization(*PROCESSOR, "assumed for CPUs")
    found = features(
        device, devices, parameters=parameters, experts=experts, fp8=precision == "fp8" and device.fp8 > 0, eager=attention == "eager"
    )
    middle = sum(WEIGHTS[name] * value for name, value in found.items())
    spread, notes = SPREAD, ["predicted from published runs"]
    if recompute == "full" and not found["eager"]:
        middle += RECOMPUTING
        notes.append("all activations made again")
    if precision == "fp32":
        middle += SINGLE_PRECISION
        notes.append("fp32 at half the rate")
    if padded:
        middle += PADDED[0]
        spread *= 1 + PADDED[1]
        notes.append("less for short rows")
    if device.name not in FITTED:
        spread *= 1.5
        notes.append(f"none on a {device.name}")
    if parameters is None:
        notes.append("model unknown")
    most = CEILING * (1 + found["fp8"])
    low, point, high = (min(most, math.exp(middle + step * spread)) for step in (-1, 0, 1))
    return Utilization(low, point, high, ", ".join(notes))


def declared(mfu: float) -> Utilization:
    """A share that the user gives, with what published shares were off."""
    return Utilization(DECLARED[0] * mfu, mfu, min(1.0, DECLARED[1] * mfu), "given")
