"""Activations that the backward pass makes again, and the kernel that attention runs on: what a model is told before it trains."""

from importlib import import_module
from typing import Any

from pipeline_dsl.lang.placement import Attention, Recompute


def prepare(model: Any, *, recompute: Recompute, attention: Attention) -> None:
    """Have a model of transformers recompute activations, and run its attention on a kernel.

    `full` keeps the inputs of layers alone; `selective` also the results of matrix products and of attention, so that norms,
    rotations and gates are computed twice and nothing else. Both give the same numbers as without.
    Source: Chen et al. (2016), arXiv:1604.06174; Korthikanti et al. (2022), arXiv:2205.05198, section 5.
    Raises: ImportError, ValueError if the kernel is not there, or the model has no layers that can.
    """
    if attention != model.config._attn_implementation:
        model.set_attn_implementation(attention)
    if recompute == "none":
        return
    how: dict[str, Any] = {"use_reentrant": False}
    if recompute == "selective":
        how["context_fn"] = _keep_products
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=how)


def _keep_products() -> Any:
    """The two contexts, forward and recomputing, in which results of matrix products and of attention are kept."""
    return import_module("torch.utils.checkpoint").create_selective_checkpoint_contexts(_policy)


def _policy(context: Any, operator: Any, *_: Any, **__: Any) -> Any:
    policy = import_module("torch.utils.checkpoint").CheckpointPolicy
    name = str(operator)
    kept = name.startswith(("aten.mm", "aten.addmm", "aten.bmm", "aten._scaled_dot_product", "aten._grouped_mm"))
    return policy.MUST_SAVE if kept else policy.PREFER_RECOMPUTE
