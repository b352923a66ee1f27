"""Recomputing activations, and another kernel of attention, change what is held and nothing that is learnt."""

from typing import Any

import pytest

from pipeline_dsl.lang.placement import Attention, Recompute
from pipeline_dsl.ml.models import llama
from pipeline_dsl.ml.recomputation import prepare
from tests.stages.tiny_model import library
from tests.stages.training_bench import TINY

pytestmark = pytest.mark.stages


def step(recompute: Recompute, attention: Attention = "sdpa") -> tuple[int, dict[str, Any]]:
    """(bytes kept for the backward pass, gradients) of one step of a tiny model."""
    torch: Any = library("torch")
    model: Any = llama(TINY, seed=1, special={}, spread=0.2)
    prepare(model, recompute=recompute, attention=attention)
    model.train()
    ids = torch.arange(4 * 32).reshape(4, 32) % TINY.vocabulary
    kept: dict[int, int] = {}

    def keep(tensor: Any) -> Any:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    def give_back(tensor: Any) -> Any:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, give_back):
        loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    return sum(kept.values()), {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("recompute", ["selective", "full"])
def test_gradients_are_the_same_with_less_kept(recompute: Recompute) -> None:
    torch: Any = library("torch")
    whole, plain = step("none")
    kept, found = step(recompute)

    assert kept < whole
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient)


def products(recompute: Recompute) -> int:
    """Matrix products of a whole step."""
    torch: Any = library("torch")
    mode: Any = library("torch.utils._python_dispatch").TorchDispatchMode
    counted: list[str] = []

    class Count(mode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            counted.extend([str(func)] if str(func).startswith(("aten.mm", "aten.addmm", "aten._scaled_dot")) else [])
            return func(*args, **(kwargs or {}))

    with Count(), torch.enable_grad():
        step(recompute)
    return len(counted)


def test_selective_recomputation_makes_no_matrix_product_twice() -> None:
    assert products("none") == products("selective") < products("full")


def test_plain_attention_learns_the_same() -> None:
    torch: Any = library("torch")
    _, plain = step("none")
    _, eager = step("none", "eager")

    for name, gradient in plain.items():
        torch.testing.assert_close(eager[name], gradient)
