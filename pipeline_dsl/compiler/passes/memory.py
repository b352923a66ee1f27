"""Pass: what every stage that trains or serves a model must hold on one device, part by part."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import attrs

from pipeline_dsl.base.memory import (
    CAST,
    ELEMENT,
    NF4,
    Bytes,
    adam_states,
    cache_bytes,
    exactly,
    kept_inputs,
    kept_products,
    layer_activations,
    quantized,
    score_bytes,
    zero_states,
)
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.adapter import adapter_parameters
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import EvalReport, ServerSpec
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.placement import SHARING, Placement, ServingPlacement, TrainingPlacement
from pipeline_dsl.lang.size import Size, Sizes
from pipeline_dsl.lang.stage import Ref, Stage

_NONE = vars(Stage)["placement"]
_LOADING = (ServerSpec, EvalReport)
"""What is made by loading a model."""
_NARROWING = ("quantization", "weight_format", "load_in_4bit", "load_in_8bit", "bits", "offload", "cpu_offload", "cpu_offload_gb")
"""Fields by which a model is held in fewer bits than it comes in, or not on the devices alone."""
_GB = 1e9
BUCKET = 5e8
"""Elements of the buffer through which DeepSpeed reduces gradients: `reduce_bucket_size`, taken whole at the first step."""
_LIVE = 1e9
"""Weights that ZeRO-3 keeps gathered at once, at most: `stage3_max_live_parameters`."""
_CONTEXT = Bytes(0.3 * _GB, 0.8 * _GB, 1.6 * _GB)
"""CUDA's context and kernels, cuBLAS's workspace, NCCL's channels."""
_FRAGMENTS = 0.08
"""Share that the allocator holds beside what is used, at most; the caching allocator splits blocks (arXiv:2401.08156)."""
LARGER = 1.07
"""What is sold as 80 GB holds up to 80 GiB."""
_USABLE = 1.05
"""Of which the driver keeps some."""


@attrs.frozen(eq=False)
class Footprint:
    """What one device must hold, by part, and what it can."""

    parts: Mapping[str, Bytes]
    total: Bytes
    capacity: float
    """Bytes that it is sold as."""

    @property
    def exceeds(self) -> bool:
        """Whether not even the least that is needed fits."""
        return self.total.low > LARGER * self.capacity

    @property
    def tight(self) -> bool:
        """Whether the most that may be needed does not fit."""
        return not self.exceeds and self.total.high > LARGER * self.capacity and self.total.likely > _USABLE * self.capacity

    @property
    def fits(self) -> bool:
        """Whether it can be recommended: nobody objects, and what is likely needed is no more than the device is sold as."""
        return not self.exceeds and not self.tight and self.total.likely <= self.capacity

    def breakdown(self) -> str:
        """The parts that weigh most, in words."""
        heavy = sorted(self.parts.items(), key=lambda part: -part[1].likely)
        return ", ".join(f"{name} {gigabytes(size.likely)}" for name, size in heavy if size.likely > 0.01 * self.total.likely)


def gigabytes(size: float) -> str:
    """Bytes in words."""
    return f"{size / _GB:.0f} GB" if size >= 99.5 * _GB else f"{size / _GB:.1f} GB"


def placements(graph: Graph, known: Mapping[AnyStage, Size]) -> dict[AnyStage, Placement]:
    """How models lie on devices, for the stages that say so, and for servers and evaluations that must at least hold their model.

    A stage whose own arithmetic fails on its values says nothing: the faulty values have their own diagnostics.
    """
    sizes = Sizes(cast("Mapping[Ref[Any], Size]", known))
    found: dict[AnyStage, Placement] = {}
    for stage in graph.order:
        if type(stage).placement is _NONE:
            placed = _loaded(graph, stage, known) if issubclass(graph.type(stage).produces, _LOADING) else None
        else:
            placed = _placed(stage, sizes)
        if placed is not None:
            found[stage] = placed
    return found


def _loaded(graph: Graph, stage: AnyStage, known: Mapping[AnyStage, Size]) -> Placement | None:
    """The weights of the one model that a stage of somebody's own loads, over all of the devices that it names.

    None where it names none, or may hold the weights in fewer bits than they come in.
    """
    values = stage.__dict__
    if stage.on is None or any(values.get(name) for name in _NARROWING):
        return None
    models = {edge.producer for edge in graph.inputs.get(stage, ()) if not edge.field.held_out and known[edge.producer].model is not None}
    given = known[models.pop()] if len(models) == 1 else Size()
    if given.model is None or given.model.problems():
        return None
    bits = float(given.bits) if given.bits is not None else 16.0
    return ServingPlacement(model=given.model, devices=None, rows=1, length=1, bits=bits)


def _placed(stage: AnyStage, sizes: Sizes) -> Placement | None:
    try:
        given: Any = stage.placement(sizes)
        usable = isinstance(given, TrainingPlacement | ServingPlacement) and not given.model.problems()
    except (ArithmeticError, TypeError, ValueError, AttributeError):
        return None
    if not usable or not _whole(given):
        return None
    shared = [stage.__dict__.get(name) for name in SHARING]
    if isinstance(given, ServingPlacement) and given.devices == 1 and any(isinstance(size, int) and size > 1 for size in shared):
        return attrs.evolve(given, devices=None)  # a server made of ours, on an engine that shares a model
    return given


def _whole(placed: Placement) -> bool:
    """Whether its numbers are ones that can be reckoned with; others have their own diagnostics."""
    counts = [placed.rows, placed.length]
    if isinstance(placed, TrainingPlacement):
        parallel = placed.parallel
        counts += [placed.processes, parallel.tensor, parallel.pipeline, parallel.context, parallel.expert]
        if placed.precision not in ELEMENT:
            return False
    return all(type(count) is int and count >= 1 for count in counts)


def footprints(placed: Mapping[AnyStage, Placement], hardware: Mapping[AnyStage, Hardware]) -> dict[AnyStage, Footprint]:
    """What each placement must hold on one device; a CPU's memory is not its core's, and is not judged.

    Where there is one process beside several devices, memory is judged as if there were one on each: that is another fault.
    """
    found: dict[AnyStage, Footprint] = {}
    for stage, placement in placed.items():
        place = hardware[stage]
        if place.device.accelerator and place.devices >= 1:
            found[stage] = footprint(spread(placement, place), place)
    return found


def spread(placed: Placement, place: Hardware) -> Placement:
    """A placement with a process on each device, if it has one in all."""
    if not isinstance(placed, TrainingPlacement) or placed.processes > 1 or place.devices == 1:
        return placed
    rows = placed.rows
    if placed.batch and placed.micro_batch and placed.batch >= placed.micro_batch:
        each = max(1, min(placed.micro_batch, placed.batch // place.devices))
        rows = rows // placed.micro_batch * each
        placed = attrs.evolve(placed, micro_batch=each)
    zero = placed.zero_stage or 2  # what fine-tuning starts with, once there is more than one process
    return attrs.evolve(placed, processes=place.devices, rows=max(1, rows), zero_stage=zero)


@cache
def footprint(placed: Placement, place: Hardware) -> Footprint:
    """What one device of `place` must hold."""
    if isinstance(placed, ServingPlacement) and placed.devices is None:
        placed = attrs.evolve(placed, devices=place.devices)
    parts = training(placed) if isinstance(placed, TrainingPlacement) else serving(placed)
    total = sum(parts.values(), _CONTEXT)
    total = Bytes(total.low, total.likely, total.high * (1 + _FRAGMENTS))
    return Footprint({**parts, "CUDA and buffers": _CONTEXT}, total, float(place.device.memory))


def training(placed: TrainingPlacement) -> dict[str, Bytes]:
    """What a training step holds at its peak, on the device that holds most, by part; without what the device itself takes.

    The peak is at the end of the forward pass, where all activations are there, at the end of the backward pass, where all
    gradients are, or in the optimizer's step, where DeepSpeed has those once more in fp32: whichever is likely largest.
    Gradients of earlier micro-batches are there all the time.
    """
    weights, gradients, optimizer = _states(placed)
    parts = {"weights": weights, "optimizer": optimizer}
    if placed.reference and placed.lora is None:  # an adapter's reference is its base, with the adapter off
        held = ELEMENT["bf16"] if placed.zero_stage else ELEMENT["fp32"]
        share = _share(placed) if placed.zero_stage >= 3 else 1.0
        parts["reference model"] = Bytes(2, held, 4) * (placed.reference * held_parameters(placed) * share)
    moments = [*_moments(placed, gradients), {"gradients": gradients + _at_step(placed)}]
    return parts | max(moments, key=_likely)


def _likely(parts: Mapping[str, Bytes]) -> float:
    return sum(size.likely for size in parts.values())


def _at_step(placed: TrainingPlacement) -> Bytes:
    """Gradients in fp32 beside those that the backward pass left, as ZeRO's optimizers make them for the part that they update."""
    if not placed.zero_stage or placed.lora is not None or placed.offload != "none":
        return Bytes()
    return Bytes(0, 4, 4) * (held_parameters(placed) * (1 + placed.value) * _share(placed))


def host_bytes(placed: TrainingPlacement, place: Hardware) -> Bytes:
    """What offloading puts into the memory of one machine.

    Source: the factors of DeepSpeed's `estimate_zero2_model_states_mem_needs` and `estimate_zero3_model_states_mem_needs`.
    """
    if placed.offload == "none":
        return Bytes()
    nodes = max(1, -(-placed.processes // max(1, place.count)))
    trained = held_parameters(placed) if placed.lora is None else adapter_parameters(placed.model, placed.lora)
    copies = placed.parallel.tensor * placed.parallel.pipeline
    states = Bytes(12, 16, 24) * (trained * copies / nodes)
    if placed.offload == "weights":
        states += Bytes(2, 2, 3) * (held_parameters(placed) * copies / nodes)
    return states


def serving(placed: ServingPlacement) -> dict[str, Bytes]:
    """Weights, keys and values, and one step's activations, on one device."""
    model = placed.model
    embeddings = model.hidden * model.vocabulary * (1 if model.tied else 2)
    each = quantized(placed.bits, placed.group)
    weights = (model.parameters - embeddings) * each + embeddings * max(2.0, each if placed.bits > 16 else 0.0)
    cache = cache_bytes(layers=model.layers, keys=model.kv_heads * model.head, tokens=placed.rows * placed.length, bits=placed.cache_bits)
    step = Bytes(0.0, 0.01 * weights, 0.05 * weights)
    devices = placed.devices or 1
    share = 1 / devices
    spread = 1 / min(devices, model.kv_heads)  # key heads are copied where there are more devices
    return {"weights": exactly(weights * share), "keys and values": exactly(cache * spread), "activations": step * share}


def _states(placed: TrainingPlacement) -> tuple[Bytes, Bytes, Bytes]:
    """Weights, gradients and optimizer state on one device."""
    held = held_parameters(placed)
    if placed.lora is not None:
        return _adapted(placed, held)
    held *= 1 + placed.value
    sharded, share = placed.zero_stage >= 1, _share(placed)
    states = adam_states(placed.precision, sharded=sharded)
    weights, gradients, optimizer = zero_states(states, held, stage=placed.zero_stage, share=share)
    element = ELEMENT[placed.precision]
    bucket = Bytes(0, element * BUCKET, 2 * element * BUCKET) if sharded else Bytes()
    if placed.offload != "none":  # gradients leave as soon as they are reduced
        gradients, optimizer = Bytes(0, 0, element * held * (share if placed.zero_stage >= 2 else 1)), Bytes()
    if placed.zero_stage >= 3:
        gathered = element * _largest(placed)
        live = Bytes(gathered, max(2 * gathered, element * min(held, _LIVE)), 2 * element * (_largest(placed) + min(held, _LIVE)))
        weights = live + (Bytes() if placed.offload == "weights" else weights)
    return weights, gradients + bucket, optimizer


def _adapted(placed: TrainingPlacement, held: float) -> tuple[Bytes, Bytes, Bytes]:
    """The same with a frozen base: only adapters have gradients and optimizer state, in fp32."""
    lora, model = placed.lora, placed.model
    assert lora is not None
    embeddings = model.hidden * model.vocabulary * (1 if model.tied else 2) / placed.parallel.tensor
    matrices = max(0.0, held - embeddings)
    if lora.base == "nf4":
        weights = NF4 * matrices + Bytes(2, 2, 4) * embeddings
    else:
        weights = (exactly(4) if placed.precision == "fp32" else Bytes(2, 2, 4)) * held
    if placed.zero_stage >= 3:
        gathered = 2.0 * _largest(placed)
        weights = weights * (1 / placed.copies) + Bytes(gathered, 2 * gathered, 2 * 2 * gathered)
    if placed.offload == "weights":
        weights = exactly(2.0 * _largest(placed))
    learnt = adapter_parameters(model, lora) / (placed.parallel.tensor * placed.parallel.pipeline)
    optimizer = Bytes() if placed.offload != "none" else Bytes(8, 8, 16) * learnt
    return weights + Bytes(2, 4, 6) * learnt, Bytes(2, 4, 8) * learnt, optimizer


def held_parameters(placed: TrainingPlacement) -> float:
    """Parameters whose weights, whole, are one device's part under tensor, pipeline and expert parallelism: the fullest stage's."""
    model, parallel = placed.model, placed.parallel
    embeddings = model.hidden * model.vocabulary * (1 if model.tied else 2)
    experts = _expert_parameters(model)
    dense = model.parameters - embeddings - experts
    ends = embeddings if parallel.pipeline == 1 else model.hidden * model.vocabulary
    layers = -(-model.layers // parallel.pipeline) / model.layers
    return (dense * layers + ends) / parallel.tensor + experts * layers / (parallel.tensor * min(parallel.expert, max(1, placed.copies)))


def _expert_parameters(model: Llama) -> float:
    experts = model.experts
    if experts is None:
        return 0.0
    return float((model.layers - experts.dense) * experts.count * 3 * model.hidden * experts.ffn)


def _share(placed: TrainingPlacement) -> float:
    """What one device keeps of states that ZeRO divides; experts lie on fewer copies, and are divided by fewer."""
    shards = max(1, placed.copies * placed.parallel.context)
    experts = _expert_parameters(placed.model)
    if not experts or placed.parallel.expert == 1:
        return 1 / shards
    held = held_parameters(placed)
    layers = -(-placed.model.layers // placed.parallel.pipeline) / placed.model.layers
    own = experts * layers / (placed.parallel.tensor * min(placed.parallel.expert, placed.copies))
    return ((held - own) / shards + own / max(1, shards / placed.parallel.expert)) / held


def _largest(placed: TrainingPlacement) -> float:
    """Parameters that ZeRO-3 gathers for one layer, or for an embedding if that is larger."""
    model = placed.model
    embedding = model.hidden * model.vocabulary
    layer = (model.parameters - embedding * (1 if model.tied else 2)) / model.layers
    return max(layer, embedding) / placed.parallel.tensor


def _moments(placed: TrainingPlacement, gradients: Bytes) -> tuple[dict[str, Bytes], dict[str, Bytes]]:
    """What is held beside weights and optimizer at the end of the forward pass, and at the end of the backward pass.

    On the pipeline's first device or on its last, whichever holds more: one-forward-one-backward keeps as many micro-batches on
    the first as there are devices in the pipeline. Source: Narayanan et al. (2021), arXiv:2104.04473, section 2.2.
    """
    tokens = placed.rows * placed.length / placed.parallel.context
    layers = -(-placed.model.layers // placed.parallel.pipeline)
    each, kept = _layer(placed)
    several = micro_batches(placed)
    flying = min(placed.parallel.pipeline, several or placed.parallel.pipeline)
    scores = _scores(placed, tokens)
    cast = Bytes(0, CAST, CAST) * held_parameters(placed) if _autocast(placed) and placed.lora is None else Bytes()
    first = kept * (layers * flying * tokens) + cast
    last = kept * (layers * tokens) + cast
    again = each * tokens if placed.recompute != "none" else Bytes()
    forward = {"activations": last, "scores over the vocabulary": scores} if scores else {"activations": last}
    if scores.likely < again.likely:  # the last layer, made again while all inputs are there
        forward = {"activations": last + again}
    if flying > 1 and first.likely + again.likely > _likely(forward):
        forward = {"activations": first + again}
    waiting = Bytes(0, 0, gradients.high) if several == 1 else gradients
    made = Bytes(gradients.low * (1 - 1 / layers), gradients.likely, gradients.high)  # the first layer's come last
    return forward | {"gradients": waiting}, {"gradients": made, "activations": each * (1.1 * tokens)}


def micro_batches(placed: TrainingPlacement) -> int | None:
    """Forward passes of one process in a step; None if nobody said."""
    if not placed.batch or not placed.micro_batch:
        return None
    return max(1, placed.batch // (placed.micro_batch * placed.copies))


def _autocast(placed: TrainingPlacement) -> bool:
    """Whether weights are held in fp32 and cast: without DeepSpeed."""
    return placed.zero_stage == 0 and placed.precision in ("bf16", "fp16")


def _layer(placed: TrainingPlacement) -> tuple[Bytes, Bytes]:
    """(what one layer's backward pass needs of a token, what is kept of it until then)."""
    model, parallel = placed.model, placed.parallel
    normed = parallel.tensor if parallel.sequence else 1
    widths: dict[str, Any] = {
        "hidden": model.hidden,
        "queries": model.attention_width,
        "keys": model.kv_heads * model.head,
        "ffn": _routed(model),
        "precision": placed.precision,
        "divided": parallel.tensor,
        "normed": normed,
    }
    scores = model.heads * placed.length / parallel.context if placed.attention == "eager" else 0.0
    each = layer_activations(**widths, scores=scores, autocast=_autocast(placed))
    if model.experts is not None:  # copies of a token for its experts, unevenly spread
        copies = model.experts.active * ELEMENT[placed.precision] * model.hidden / normed
        each += Bytes(copies, 2 * copies, 4 * copies)
    fused = Bytes(each.low, (each.low + each.likely) / 2, each.high)
    each = fused if placed.fused else Bytes(0.9 * each.likely, each.likely, each.high)
    if placed.lora is not None:
        extra = 4 * (5 * model.hidden + model.attention_width + model.ffn) / parallel.tensor
        each = Bytes(0.6 * each.low, 0.9 * each.likely, each.high + extra)
    if placed.recompute == "full":
        return each, exactly(kept_inputs(hidden=model.hidden, precision=placed.precision, normed=normed))
    if placed.recompute == "selective":
        least = kept_products(**widths)
        return each, Bytes(min(least, each.low), least, max(least, each.likely))
    return each, each


def _routed(model: Llama) -> float:
    """Width of the gated part that a token goes through, over its experts, as a mean over the layers."""
    experts = model.experts
    if experts is None:
        return float(model.ffn)
    mixed = (experts.active + experts.shared) * experts.ffn
    return (experts.dense * model.ffn + (model.layers - experts.dense) * mixed) / model.layers


def _scores(placed: TrainingPlacement, tokens: float) -> Bytes:
    vocabulary = placed.model.vocabulary / placed.parallel.tensor
    tile = ELEMENT[placed.precision] * min(tokens, 4096) * min(vocabulary, 32768)
    if placed.scores == "none":
        return Bytes()
    if placed.scores == "chunked":
        return Bytes(tile, tile, 3 * tile)
    whole = score_bytes(tokens, vocabulary, placed.precision)
    return Bytes(min(tile, whole.low), whole.likely / 2, whole.high) if placed.fused else whole
