"""Rotary positions beyond those that a model was trained on."""

from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class RopeScaling:
    """Stretch a model's context to `factor` times its length, and train it there.

    `linear` interpolates positions (Chen et al., 2023, arXiv:2306.15595); `yarn` does so by wavelength, and scales attention (Peng
    et al., 2023, arXiv:2309.00071). Without training at the new length both lose much of what they promise.
    """

    factor: float
    kind: Literal["linear", "yarn"] = "yarn"

    def context(self, before: int) -> int:
        """The context that a model of context `before` gets."""
        return int(before * self.factor)
