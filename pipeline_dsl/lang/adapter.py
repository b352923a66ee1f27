"""Low-rank adapters: training a few small matrices beside a model that stays as it is."""

from typing import Literal

import attrs

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every matrix of a layer, which is what QLoRA found to be needed (Dettmers et al., 2023, arXiv:2305.14314, section 4)."""


@attrs.frozen(kw_only=True)
class Lora:
    """A low-rank update B·A of chosen matrices, scaled by alpha / rank.

    Source: Hu et al. (2021), arXiv:2106.09685, equation 3; the 4-bit base from Dettmers et al. (2023), arXiv:2305.14314.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = LINEAR
    """Names of the matrices that are adapted, as the model's layers call them."""
    base: Literal["bf16", "nf4"] = "bf16"
    """How the frozen weights are held: whole, or in 4-bit normal floats (QLoRA)."""
