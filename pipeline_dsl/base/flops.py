"""How much arithmetic a model does, from the shape of its matrices.

A multiply-add is two operations. A backward pass costs twice the forward one (Kaplan et al., 2020, arXiv:2001.08361,
section 2.1), so training costs three forward passes.
"""

from pipeline_dsl.base.units import Flops, Tokens


def forward_flops(matmul_parameters: float, tokens: float, *, layers: int, attention_width: int, length: float) -> Flops:
    """One forward pass over `tokens` in sequences of `length`, with causal attention.

    Every matrix entry costs 2 a token. Attention scores and values add 4 x width x (positions seen) a layer, and a causal
    token sees half of its sequence on average: 2 x layers x width x length a token.
    Source: Narayanan et al. (2021), arXiv:2104.04473, appendix, halved for the causal mask.
    """
    return Flops(tokens * (2 * matmul_parameters + 2 * layers * attention_width * length))


def training_flops(forward: Flops) -> Flops:
    """A forward and a backward pass: three times the forward one."""
    return Flops(3 * forward)


def six_nd(parameters: float, tokens: Tokens) -> Flops:
    """The field's rule of thumb, 6 x parameters x tokens: no attention, embeddings counted.

    Source: Kaplan et al. (2020), arXiv:2001.08361, equation 2.2.
    """
    return Flops(6 * parameters * tokens)
