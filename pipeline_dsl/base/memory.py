"""How many bytes a device must hold to train a transformer, or to serve one: the formulae, in plain numbers.

Each gives a range. The low end is what an engine needs that fuses what can be fused and frees what can be freed; the likely
one is what plain PyTorch keeps; the high one adds buffers and copies that depend on versions and settings.
"""

import attrs


@attrs.frozen
class Bytes:
    """A range of bytes: at least, likely, at most."""

    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Bytes") -> "Bytes":
        return Bytes(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, factor: float) -> "Bytes":
        return Bytes(self.low * factor, self.likely * factor, self.high * factor)

    def __bool__(self) -> bool:
        return self.high > 0


def exactly(size: float) -> Bytes:
    """A size that is known."""
    return Bytes(size, size, size)


ELEMENT = {"fp32": 4, "bf16": 2, "fp16": 2, "fp8": 2}
"""Bytes of a weight and of an activation; fp8 is what matrix products are fed with, not what is kept."""


@attrs.frozen
class States:
    """Bytes of one trained parameter: its weight, its gradient, and what the optimizer keeps of it."""

    weight: Bytes
    gradient: Bytes
    optimizer: Bytes


def adam_states(precision: str, *, sharded: bool) -> States:
    """Bytes a parameter under AdamW; `sharded` where DeepSpeed's ZeRO keeps the optimizer's copies.

    In 16 bits: 2 and 2, with 12 for fp32 weights and two moments; the high end keeps gradients in fp32 as well, as Megatron
    does, or DeepSpeed at the step. Unsharded, PyTorch's autocast holds all in fp32: 4, 4 and 8, beside `CAST` for a while.
    In fp32: 4, 4 and 8; ZeRO keeps a copy of the weights beside them.
    Source: Rajbhandari et al. (2020), arXiv:1910.02054, section 3.1 (K = 12).
    """
    if precision == "fp32":
        return States(exactly(4), exactly(4), Bytes(8, 12, 16) if sharded else Bytes(8, 8, 12))
    if sharded:
        return States(exactly(2), Bytes(2, 2, 4), Bytes(12, 12, 16))
    return States(exactly(4), exactly(4), Bytes(8, 8, 12))


CAST = 2.0
"""Bytes of a weight that autocast made 16-bit for the forward pass, and keeps until its layer is done with."""


def zero_states(states: States, parameters: float, *, stage: int, share: float) -> tuple[Bytes, Bytes, Bytes]:
    """(weights, gradients, optimizer) on one device that keeps a `share` of what ZeRO `stage` divides.

    Source: Rajbhandari et al. (2020), arXiv:1910.02054, figure 1; the high end of stage 2 holds all gradients until they are
    divided, as DeepSpeed's `estimate_zero2_model_states_mem_needs` counts.
    """
    weight = states.weight * (parameters * (share if stage >= 3 else 1))
    gradient = states.gradient * (parameters * (share if stage >= 2 else 1))
    if stage == 2:
        gradient = Bytes(gradient.low, gradient.likely, states.gradient.low * parameters + gradient.high)
    return weight, gradient, states.optimizer * (parameters * (share if stage >= 1 else 1))


def layer_activations(
    *,
    hidden: float,
    queries: float,
    keys: float,
    ffn: float,
    precision: str,
    autocast: bool = False,
    scores: float = 0.0,
    divided: float = 1,
    normed: float = 1,
) -> Bytes:
    """What the backward pass needs of one token in one layer.

    `queries` and `keys` are the widths of all heads and of all key heads; `ffn` of what passes through the gated part, over all
    experts that a token is sent to; `scores` counts attention scores that are kept, heads x length, or 0 for a fused kernel.
    What is inside matrix products is `divided` by the tensor-parallel devices, norms by `normed` (Korthikanti et al., 2022,
    arXiv:2205.05198, equations 2 and 4; theirs is a GELU layer with fp16 norms, this one SwiGLU with norms in fp32 as in
    transformers). Autocast keeps what goes along the layers in fp32, and casts it anew for each of five products. Low: fused
    norms and gate, whose inputs alone are kept.
    """
    a = ELEMENT[precision]
    plain = 2 * (4 + 4) + 5 * a if autocast else 2 * (4 + 2 * a)
    norms = Bytes(4 * a, plain, plain + 2 * a) * (hidden / normed)
    attention = Bytes(a * (2 * queries + 2 * keys), a * (2 * queries + 2 * keys), a * 5 * queries) * (1 / divided)
    probabilities = 4 if precision == "fp32" else 4 + a  # softmax in fp32, and what is multiplied with the values
    kept = Bytes(a, probabilities, 2 * probabilities) * (scores / divided)
    gated = Bytes(3 * a, 4 * a, 4 * a) * (ffn / divided)
    return norms + attention + kept + gated


def kept_inputs(*, hidden: float, precision: str, normed: float = 1) -> float:
    """What full recomputation keeps of one token in one layer: its input. Chen et al. (2016), arXiv:1604.06174."""
    return ELEMENT[precision] * hidden / normed


def kept_products(
    *, hidden: float, queries: float, keys: float, ffn: float, precision: str, divided: float = 1, normed: float = 1
) -> float:
    """What is kept where only the results of matrix products and of attention are: a token in one layer."""
    return ELEMENT[precision] * (3 * hidden / normed + (2 * queries + 2 * keys + 2 * ffn) / divided)


def score_bytes(tokens: float, vocabulary: float, precision: str) -> Bytes:
    """Scores over the vocabulary with their softmax and gradients, of so many tokens: often the peak of a small model.

    Cross-entropy in fp32 keeps the log-probabilities, and makes two gradients of the same shape beside them; the scores
    themselves are there in `precision` until it is done.
    """
    a = ELEMENT[precision]
    return Bytes(8, 12, 12 + 2 * a) * (tokens * vocabulary)


def cache_bytes(*, layers: float, keys: float, tokens: float, bits: float) -> float:
    """Keys and values of `tokens` tokens, over all requests; `keys` is the width of all key heads.

    Source: Pope et al. (2022), arXiv:2211.05102, section 3.3.
    """
    return 2 * layers * keys * tokens * bits / 8


NF4 = Bytes(0.516, 0.53, 0.5625)
"""Bytes of a weight in 4-bit normal floats with a scale for 64: from doubly quantized scales to fp32 ones. Dettmers et al.
(2023), arXiv:2305.14314, section 3."""


def quantized(bits: float, group: int | None) -> float:
    """Bytes of a quantized weight, with a 16-bit scale and a zero point as wide as a weight for each group."""
    return (bits + ((16 + bits) / group if group else 0.0)) / 8
