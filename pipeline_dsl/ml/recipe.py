"""What one training run is told, and what it comes to: plain data, handed to every rank as JSON."""

from collections.abc import Mapping

import attrs

from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.placement import Attention, Offload, Recompute


@attrs.frozen(kw_only=True)
class Recipe:
    """One training run. `batch` counts rows of a step on all ranks, `micro_batch` rows of one forward pass on one."""

    model: Llama
    train: str
    """A file of `rows.unpack`; so is `validation`."""
    validation: str
    special: Mapping[str, int]
    steps: int
    batch: int
    micro_batch: int
    learning_rate: float
    warmup: int
    """Steps."""
    floor: float
    """The last learning rate as a share of the highest."""
    weight_decay: float
    clip: float
    betas: tuple[float, float]
    spread: float
    bf16: bool
    fp16: bool
    zero_stage: int
    offload: Offload
    recompute: Recompute
    attention: Attention
    validate_every: int
    validate_on: int
    """Rows."""
    save_every: int
    """Steps between checkpoints; 0 for none."""
    seed: int
    threads: int
    """Cores of one rank: they change the order of sums, and so the last bits."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What a run came to. `curve` holds (step, validation loss); rates are of this attempt and this machine."""

    parameters: int
    curve: tuple[tuple[int, float], ...]
    tokens_per_second: float
