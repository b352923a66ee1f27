"""How much arithmetic a model does, from the shape of its matrices.

A multiply-add is two operations. A backward pass costs twice the forward one (Kaplan et al., 2020, arXiv:2001.08361,
section 2.1), so training costs three forward passes: one half of the backward pass makes the gradients of activations, the
other those of weights.

Model FLOPs are what the mathematics asks for. Activations that are computed again to save memory (Chen et al., 2016,
arXiv:1604.06174) are hardware FLOPs and no model FLOPs: MFU leaves them out, HFU counts them (Chowdhery et al., 2022,
arXiv:2204.02311, section 4.1), so recomputation shows as a lower MFU.
"""

from pipeline_dsl.base.units import Flops, Tokens

TRAINING = 3.0
"""Forward passes that training takes: one forward, and a backward of two."""

ADAPTING = 2.0
"""The same where the weights are frozen below an adapter: activations still need gradients, frozen weights do not, and the
adapter's own matrices are too small to count. Two thirds of full training. Source: Hu et al. (2021), arXiv:2106.09685, section 4.2."""

LOOKING = 1.0
"""A model that only scores: a reference, a reward model, an evaluation."""


def forward_flops(matmul_parameters: float, tokens: float, *, layers: int, attention_width: int, length: float) -> Flops:
    """One forward pass over `tokens` in sequences of `length`, with causal attention.

    Every matrix entry costs 2 a token. Attention scores and values add 4 x width x (positions seen) a layer, and a causal
    token sees half of its sequence on average: 2 x layers x width x length a token. Of experts, only those picked count.
    Source: Narayanan et al. (2021), arXiv:2104.04473, appendix, halved for the causal mask.
    """
    return Flops(tokens * (2 * matmul_parameters + 2 * layers * attention_width * length))


def training_flops(forward: Flops) -> Flops:
    """A forward and a backward pass: three times the forward one."""
    return Flops(TRAINING * forward)


def six_nd(parameters: float, tokens: Tokens) -> Flops:
    """The field's rule of thumb, 6 x parameters x tokens: no attention, embeddings counted; of experts only the active ones.

    Source: Kaplan et al. (2020), arXiv:2001.08361, section 2.1, where N leaves embeddings out.

    What one pass of a 7B model over 2 trillion tokens takes, on an H100 at 989 TFLOP/s of which 40% are used, at $2.50 an hour:

    >>> flops = six_nd(7e9, Tokens(2 * 10**12))
    >>> hours = flops / (989e12 * 0.40) / 3600
    >>> f"{flops:.2g} FLOP, {hours:,.0f} H100 hours, ${2.50 * hours:,.0f}"
    '8.4e+22 FLOP, 58,982 H100 hours, $147,455'

    Llama 2 7B did this in 184,320 A100 hours (Touvron et al., 2023, arXiv:2307.09288, table 2). An A100 has 312 TFLOP/s, so those
    hours say what share of the peak it used; at 40% they would have been as many as

    >>> f"{flops / (312e12 * 184_320 * 3600):.0%}, {flops / (312e12 * 0.40) / 3600:,.0f} A100 hours"
    '41%, 186,966 A100 hours'

    The same rule gives what Chinchilla took, 70B on 1.4 trillion tokens; its budget was 5.76e+23 (Hoffmann et al., 2022,
    arXiv:2203.15556, table 3). A table that goes around says 3.9e+22, fifteen times too little.

    >>> f"{six_nd(70e9, Tokens(1_400 * 10**9)):.2e}"
    '5.88e+23'
    """
    return Flops(6 * parameters * tokens)


def adapter_flops(adapter_parameters: float, tokens: float) -> Flops:
    """Training the low-rank matrices themselves, 6 a parameter and token."""
    return Flops(6 * adapter_parameters * tokens)


def written_bytes(weights: float, tokens: float, *, at_once: float, cached: float, context: float) -> float:
    """Bytes that are read from memory while `tokens` are written one after the other.

    Each step reads the weights once for all of the `at_once` sequences, and each sequence's keys and values: `cached` bytes a
    position, over a mean `context` of positions. At small batches this, and no arithmetic, is what takes the time.
    Source: Pope et al. (2022), arXiv:2211.05102, section 2.1.

    >>> f"{written_bytes(14e9, 1000, at_once=8, cached=524_288, context=512):.3g}"  # 7B in bf16
    '2.02e+12'
    """
    return tokens * (weights / at_once + cached * context)
