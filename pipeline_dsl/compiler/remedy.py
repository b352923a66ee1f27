"""The smallest change of a declaration under which a model fits its devices, as code to paste."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import attrs

from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.memory import Footprint, footprint
from pipeline_dsl.compiler.remedy_served import Remedy, served_remedy, written
from pipeline_dsl.lang import device
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.placement import Offload, Placement, Recompute, ServingPlacement, TrainingPlacement

_RECOMPUTE: tuple[Recompute, ...] = ("none", "selective", "full")
_OFFLOAD: tuple[Offload, ...] = ("none", "optimizer", "weights")
_MOST_DOUBLINGS = 6
_TOGETHER = 8
"""Devices that share matrices, at most: those of one machine."""


def remedy(stage: AnyStage, placed: Placement, place: Hardware) -> Remedy | None:
    """The smallest change after which the high end fits; None if there is none among those that are tried.

    A smaller micro-batch changes nothing but speed; recomputation costs a third of the forward pass at most, dividing costs
    traffic, offloading much more of it, and further devices money: in that order they are preferred.
    """
    if isinstance(placed, ServingPlacement):
        return served_remedy(stage, placed, place)
    own: Any = getattr(stage, "zero_stage", placed.zero_stage)  # of which one process alone makes no use
    zero = own if isinstance(own, int) else placed.zero_stage
    for _, changes in sorted(_changes(stage, placed, zero), key=lambda found: found[0]):
        changed = _changed(placed, changes, zero)
        fits = footprint(changed, place)
        if fits.fits:
            return Remedy(_code(changes, place), next(iter(changes)), fits)
    return None


def adapted(placed: TrainingPlacement, place: Hardware) -> Footprint:
    """What it would take to train adapters beside a 4-bit model, one row at a time."""
    rows = placed.rows // (placed.micro_batch or placed.rows)
    changed = attrs.evolve(placed, lora=Lora(base="nf4"), rows=max(1, rows), micro_batch=1, recompute="full")
    return footprint(changed, place)


def _changes(stage: AnyStage, placed: TrainingPlacement, zero: int) -> Iterator[tuple[float, dict[str, Any]]]:
    """(how much it asks, the fields that it changes), over everything that the stage's type lets one write."""
    options = [list(found) for found in (_micro(placed), _recompute(placed), _zero(placed, zero), _offload(placed), _attention(placed))]
    options.append(list(_adapters(placed)))
    more = [(5.0 * power, {"processes": placed.processes * 2**power} if power else {}) for power in range(_MOST_DOUBLINGS + 1)]
    options.append([*more, *_parallel(stage, placed)])
    whole = _divides(placed)  # if not, that is another fault, with a diagnostic of its own
    for chosen in itertools.product(*options):
        changes = {name: value for _, change in chosen for name, value in change.items()}
        changed = _changed(placed, changes, zero)
        packed = changed.lora is not None and changed.lora.base == "nf4"  # 4-bit weights stay whole on each process
        if packed and (changes.get("zero_stage") == 3 or changes.get("offload") == "weights"):
            continue
        if changed.parallel.pipeline > 1 and changed.zero_stage > 1 and ("parallel" in changes or "zero_stage" in changes):
            continue  # gradients are not divided where layers are in a pipeline
        if changes and all(hasattr(stage, name) for name in changes) and _offloads(changed) and (_divides(changed) or not whole):
            yield sum(asks for asks, _ in chosen), changes


def _micro(placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    yield 0.0, {}
    size, asks = placed.micro_batch or 1, 0.0
    while size > 1:
        size, asks = size // 2, asks + 1.0
        yield asks, {"micro_batch": size}


def _recompute(placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    start = _RECOMPUTE.index(placed.recompute)
    for step, value in enumerate(_RECOMPUTE[start:]):
        yield (1.5 + step if step else 0.0), {"recompute": value} if step else {}


def _zero(placed: TrainingPlacement, start: int) -> Iterator[tuple[float, dict[str, Any]]]:
    most = 1 if placed.parallel.pipeline > 1 else 3
    yield 0.0, {}
    for stage in range(start + 1, most + 1):
        yield 2.0 * (stage - start), {"zero_stage": stage}


def _adapters(placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    """A lower rank, where adapters are large, and a base in 4 bits, which keep quality (Dettmers et al., 2023, arXiv:2305.14314,
    section 4 and appendix A)."""
    yield 0.0, {}
    lora = placed.lora
    if lora is None:
        return
    if lora.rank > 16:
        yield 3.0, {"lora": attrs.evolve(lora, rank=16)}
    if lora.base != "nf4":
        yield 4.5, {"lora": attrs.evolve(lora, base="nf4")}


def _offload(placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    start = _OFFLOAD.index(placed.offload)
    for step, value in enumerate(_OFFLOAD[start:]):
        yield (5.0 + 3 * step if step else 0.0), {"offload": value} if step else {}


def _attention(placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    yield 0.0, {}
    if placed.attention == "eager":
        yield 1.0, {"attention": "sdpa"}


def _parallel(stage: AnyStage, placed: TrainingPlacement) -> Iterator[tuple[float, dict[str, Any]]]:
    """Matrices or layers over more of the devices that there are, where the stage's engine divides a model so."""
    known: Any = getattr(type(stage), "dimensions", ())
    model, now = placed.model, placed.parallel
    tensors = [2**power for power in range(4) if "tensor" in known or power == 0]
    pipelines = [2**power for power in range(_MOST_DOUBLINGS) if "pipeline" in known or power == 0]
    for tensor, pipeline in itertools.product(tensors, pipelines):
        wanted = attrs.evolve(now, tensor=now.tensor * tensor, pipeline=now.pipeline * pipeline)
        shared = wanted.tensor <= _TOGETHER and not model.heads % wanted.tensor and not model.ffn % wanted.tensor
        if tensor * pipeline == 1 or (tensor > 1 and not shared) or (pipeline > 1 and model.layers % wanted.pipeline):
            continue
        if placed.processes % wanted.copy == 0:
            yield 2.5 * math.log2(tensor * pipeline), {"parallel": wanted}


def _offloads(placed: TrainingPlacement) -> bool:
    """Whether DeepSpeed can offload what it is told to."""
    return not ((placed.offload == "weights" and placed.zero_stage < 3) or (placed.offload == "optimizer" and placed.zero_stage < 1))


def _divides(placed: TrainingPlacement) -> bool:
    """Whether the batch still consists of whole micro-batches."""
    return not placed.batch or not placed.micro_batch or placed.batch % (placed.micro_batch * placed.copies) == 0


def _changed(placed: TrainingPlacement, changes: dict[str, Any], zero: int) -> TrainingPlacement:
    rows = placed.rows
    if "processes" in changes or changes.get("offload", "none") != "none":
        changes = {"zero_stage": zero, **changes}
    if "micro_batch" in changes and placed.micro_batch:
        rows = rows // placed.micro_batch * changes["micro_batch"]
    return attrs.evolve(placed, **changes, rows=rows)


def _code(changes: dict[str, Any], place: Hardware) -> str:
    words = [f'{name}="{value}"' if isinstance(value, str) else f"{name}={_spelled(value)}" for name, value in changes.items()]
    processes = changes.get("processes")
    if processes and processes > place.devices:
        alone = place.nodes == 1 and processes <= 8
        count, nodes = (processes, 1) if alone else (place.count, -(-processes // place.count))
        words.append(f"on=Hardware(device={written(place)}, count={count}{f', nodes={nodes}' if nodes > 1 else ''})")
    return f"`{', '.join(words)}`"


def _spelled(value: Any) -> str:
    """A value as a pipeline file writes it: adapters and divisions with what they do not leave to the defaults."""
    if not isinstance(value, Lora | Parallel):
        return str(value)
    kind = type(value)
    said = {field.name: getattr(value, field.name) for field in attrs.fields(kind) if getattr(value, field.name) != field.default}
    said = {"rank": value.rank, **said} if isinstance(value, Lora) else said
    words = [f'{name}="{given}"' if isinstance(given, str) else f"{name}={given}" for name, given in said.items()]
    return f"{kind.__name__}({', '.join(words)})"


def _maker(name: str) -> str:
    """Whose device it is, by its name: software for one maker's does not run on another's."""
    return next((maker for maker in ("TPU", "MI") if name.startswith(maker)), "")


def larger_device(placed: Placement, place: Hardware) -> Remedy | None:
    """The smallest GPU of the catalogue with room for it, and with the arithmetic that the present one has."""
    known = {name: found for name, found in vars(device).items() if isinstance(found, device.Device) and found.accelerator}
    has = [form for form in ("bf16", "fp8", "fp4") if getattr(place.device, form)]
    for name, found in sorted(known.items(), key=lambda item: item[1].memory):
        if (
            found.memory <= place.device.memory
            or not all(getattr(found, form) for form in has)
            or _maker(name) != _maker(place.device.name)
        ):
            continue
        fits = footprint(placed, attrs.evolve(place, device=found))
        if fits.fits:
            nodes = f", nodes={place.nodes}" if place.nodes > 1 else ""
            return Remedy(f"`on=Hardware(device={name}, count={place.count}{nodes})`", "on", fits)
    return None
