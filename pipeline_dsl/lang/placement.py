"""How a model lies on its devices: what decides whether it fits there."""

from typing import Literal

import attrs

from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.parallel import Parallel

Offload = Literal["none", "optimizer", "weights"]
"""What waits in the host's memory between steps: nothing; gradients and optimizer state; the weights too."""

Recompute = Literal["none", "selective", "full"]
"""Activations that the backward pass makes again: none; all but the results of matrix products and of attention; all but the
inputs of layers. Source: Chen et al. (2016), arXiv:1604.06174; Korthikanti et al. (2022), arXiv:2205.05198, sections 4 and 5."""

Attention = Literal["sdpa", "eager", "flash_attention_2"]
"""The kernel: PyTorch's choice among fused ones; plain matrix products, which keep every score; FlashAttention-2."""

Scores = Literal["whole", "chunked", "none"]
"""Of all tokens of a micro-batch at once; in tiles that are never kept; a reward model has one score a row."""


@attrs.frozen(kw_only=True)
class TrainingPlacement:
    """A training step on `processes` devices. `rows` counts sequences that pass through the model together on one of them.

    Unknown is None: what it decides is then not judged.
    """

    model: Llama
    processes: int
    rows: int
    """Sequences of one forward pass on one process; a pair of answers is two."""
    length: int
    """Tokens of the longest row."""
    batch: int | None = None
    """Rows of one optimizer step, as the stage declares them."""
    micro_batch: int | None = None
    """Rows of one forward pass, as the stage declares them; a pair of answers is one."""
    zero_stage: int = 0
    precision: str = "bf16"
    offload: Offload = "none"
    recompute: Recompute = "none"
    attention: Attention = "sdpa"
    parallel: Parallel = Parallel()
    lora: Lora | None = None
    reference: int = 0
    """Frozen models of the same size beside it: the reference of DPO."""
    value: int = 0
    """Trained models of the same size beside it: the value model of PPO."""
    scores: Scores = "whole"
    """How the scores over the vocabulary are made."""
    fused: bool = False
    """Whether its engine may fuse norms, gates and the loss, so that less is kept than plain PyTorch keeps."""

    @property
    def copies(self) -> int:
        """Copies of the model, each with rows of its own: what is left of the devices is data parallelism."""
        return max(1, self.processes // max(1, self.parallel.copy))


@attrs.frozen(kw_only=True)
class ServingPlacement:
    """A server on `devices`: its weights, and the keys and values of `rows` requests of `length` tokens each.

    `devices` None is all that the stage has.
    """

    model: Llama
    devices: int | None = 1
    rows: int
    length: int
    bits: float = 16.0
    """Of one weight of a layer's matrices; embeddings and norms stay in 16."""
    group: int | None = None
    """Weights that share a 16-bit scale, where they are quantized."""
    cache_bits: float = 16.0
    weight_format: str = ""
    """`awq`, `fp8`, `nvfp4`: what the kernels must know; empty for plain weights."""


Placement = TrainingPlacement | ServingPlacement

SHARING = ("tensor_parallel", "tensor_parallel_size", "tp_size")
"""What servers call the devices that share every matrix."""
