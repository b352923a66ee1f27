"""Low-rank adapters: training a few small matrices beside a model that stays as it is."""

from typing import Literal

import attrs

from pipeline_dsl.lang.architecture import Llama

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
    """How the frozen weights are held: whole, in the precision of the stage, or in 4-bit normal floats (QLoRA)."""

    def problems(self) -> list[str]:
        """What keeps this from being an adapter."""
        found: list[str] = []
        if self.rank < 1:
            found.append(f"rank = {self.rank} leaves no matrix to learn")
        if self.alpha <= 0:
            found.append(f"alpha = {self.alpha:g} scales the update to nothing")
        if not 0 <= self.dropout < 1:
            found.append(f"dropout = {self.dropout:g} is not a share below 1")
        if not self.targets:
            found.append("targets names no matrix to adapt")
        if len(set(self.targets)) < len(self.targets):
            found.append("targets names a matrix twice")
        return found


def adapter_parameters(model: Llama, lora: Lora) -> int:
    """Entries of the two low-rank matrices of each adapted one: rank x (rows + columns), in every layer; of experts, all.

    Names of matrices that are not a layer's own count nothing. Source: Hu et al. (2021), arXiv:2106.09685, section 4.1.
    """
    hidden, attention, keys = model.hidden, model.attention_width, model.kv_heads * model.head
    shapes = {"q_proj": (hidden, attention), "k_proj": (hidden, keys), "v_proj": (hidden, keys), "o_proj": (attention, hidden)}
    found = model.layers * sum(sum(shapes[name]) for name in lora.targets if name in shapes)
    widths = [model.ffn] * model.layers
    if model.experts is not None:
        mixed = max(0, model.layers - model.experts.dense)
        widths = [model.ffn] * model.experts.dense + [model.experts.ffn] * (mixed * (model.experts.count + model.experts.shared))
    feeding = sum(name in ("gate_proj", "up_proj", "down_proj") for name in lora.targets)
    return lora.rank * (found + feeding * sum(hidden + width for width in widths))
