"""What the compiler says a device must hold, against published figures and DeepSpeed's own, and what it advises."""

import re
from typing import Any

import attrs
import pytest

from pipeline_dsl import A100_40, A100_80, H100, L40S, Device, Experts, Hardware, Llama, Lora, Parallel
from pipeline_dsl.base.memory import Bytes, adam_states, cache_bytes, quantized, zero_states
from pipeline_dsl.compiler.examples import Crawl, Tokenize, Train
from pipeline_dsl.compiler.passes.memory import footprint, held_parameters, host_bytes, serving, training
from pipeline_dsl.compiler.remedy import adapted, larger_device, remedy
from pipeline_dsl.lang.placement import ServingPlacement, TrainingPlacement

SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=32_000, context=4096)
LARGE = Llama(hidden=8192, layers=80, heads=64, kv_heads=64, ffn=22_016, vocabulary=32_000, context=2048)
EIGHT = TrainingPlacement(model=SEVEN, processes=8, rows=1, length=4096, batch=8, micro_batch=1, zero_stage=3, recompute="full")

MANY = attrs.evolve(EIGHT, rows=16, micro_batch=16, batch=128)
"""With so many rows that activations decide the peak."""
STAGE = Train(data=Tokenize(corpus=Crawl()))


def likely(placed: TrainingPlacement, *parts: str) -> float:
    """Bytes of some parts together."""
    found = training(placed)
    return sum(found[part].likely for part in parts)


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_states_are_those_of_the_zero_paper(stage: int, gigabytes: float) -> None:
    """7.5e9 parameters on 64 devices; Rajbhandari et al. (2020), figure 1."""
    parts = zero_states(adam_states("bf16", sharded=True), 7.5e9, stage=stage, share=1 / 64)

    assert sum(part.low for part in parts) / 1e9 == pytest.approx(gigabytes, rel=0.02)


@pytest.mark.parametrize("offload", ["none", "optimizer"])
@pytest.mark.parametrize("devices", [1, 8, 64])
def test_deepspeeds_own_estimates_are_in_range(devices: int, offload: Any) -> None:
    two: Any = pytest.importorskip("deepspeed.runtime.zero.stage_1_and_2").estimate_zero2_model_states_mem_needs
    case = attrs.evolve(EIGHT, processes=devices, length=1, zero_stage=2, offload=offload, batch=devices)
    _, theirs = two(SEVEN.parameters, min(8, devices), -(-devices // 8), cpu_offload=offload != "none")
    parts = training(case)
    ours = sum((parts.get(part, Bytes()) for part in ("weights", "gradients", "optimizer")), Bytes())

    assert ours.low <= theirs <= ours.high


def test_a_65b_model_takes_a_48_gigabyte_card_with_qlora_and_no_40_gigabyte_one() -> None:
    """Dettmers et al. (2023), arXiv:2305.14314, abstract: on a single 48 GB GPU."""
    case = TrainingPlacement(
        model=LARGE, processes=1, rows=1, length=512, batch=16, micro_batch=1, recompute="full", lora=Lora(rank=64, base="nf4")
    )

    assert not footprint(case, Hardware(device=L40S)).exceeds
    assert footprint(case, Hardware(device=A100_40)).tight or footprint(case, Hardware(device=A100_40)).exceeds


def test_selective_recomputation_is_between_none_and_all() -> None:
    kept = [likely(attrs.evolve(MANY, recompute=how), "activations") for how in ("full", "selective", "none")]

    assert kept == sorted(kept)
    assert kept[0] < kept[1] < kept[2]


def test_dividing_matrices_and_rows_divides_activations() -> None:
    whole = attrs.evolve(MANY, recompute="none")
    halves = [Parallel(tensor=8, sequence=True), Parallel(context=8)]

    for parallel in halves:
        assert likely(attrs.evolve(whole, parallel=parallel), "activations") == pytest.approx(likely(whole, "activations") / 8, rel=0.01)
    tensor = likely(attrs.evolve(whole, parallel=Parallel(tensor=8)), "activations")
    assert likely(whole, "activations") / 8 < tensor < likely(whole, "activations") / 2


def test_the_first_device_of_a_pipeline_keeps_as_many_micro_batches_as_it_is_deep() -> None:
    deep = attrs.evolve(MANY, recompute="none", zero_stage=1, processes=4, batch=512, parallel=Parallel(pipeline=4))
    once = attrs.evolve(deep, batch=16)

    assert likely(deep, "activations") == pytest.approx(4 * likely(once, "activations"), rel=0.01)


def test_experts_are_divided_over_the_copies() -> None:
    mixed = attrs.evolve(SEVEN, experts=Experts(count=8, active=2, ffn=11_008))
    whole = attrs.evolve(EIGHT, model=mixed, zero_stage=1)
    spread = attrs.evolve(whole, parallel=Parallel(expert=8))
    experts = SEVEN.layers * 8 * 3 * SEVEN.hidden * 11_008

    assert held_parameters(whole) == mixed.parameters
    assert held_parameters(whole) - held_parameters(spread) == pytest.approx(experts * 7 / 8)


def test_a_cache_is_what_its_keys_and_values_are() -> None:
    """Half a megabyte a token for Llama-2-7B in 16 bits."""
    assert cache_bytes(layers=32, keys=4096, tokens=1, bits=16) == 2**19
    served = ServingPlacement(model=SEVEN, rows=64, length=256, bits=4, group=128)
    parts = serving(served)

    assert parts["keys and values"].likely == 64 * 256 * 2**19
    assert 3.6e9 < parts["weights"].likely < 4.0e9  # the published AWQ files are 3.9 GB
    assert quantized(4, 128) == pytest.approx(0.5195, abs=1e-3)


def test_offloading_moves_what_it_takes_off_the_device_to_the_host() -> None:
    case = attrs.evolve(EIGHT, offload="weights")

    assert likely(case, "weights") < 0.2 * likely(attrs.evolve(EIGHT, offload="none", zero_stage=1), "weights")
    assert host_bytes(case, Hardware(device=H100, count=8)).likely == pytest.approx(18 * SEVEN.parameters)


@pytest.mark.parametrize(("device", "count"), [(A100_40, 8), (A100_80, 2), (H100, 4)])
def test_what_is_advised_fits(device: Device, count: int) -> None:
    place = Hardware(device=device, count=count)
    tight = attrs.evolve(EIGHT, processes=count, rows=8, micro_batch=8, batch=8 * count, recompute="none", zero_stage=1)
    assert footprint(tight, place).exceeds

    found = remedy(STAGE, tight, place)

    assert found is not None
    assert not found.fits.exceeds
    assert not found.fits.tight
    assert found.field in ("micro_batch", "recompute", "zero_stage", "offload", "processes")


def test_the_smallest_change_comes_first() -> None:
    place = Hardware(device=A100_80, count=8)
    found = remedy(STAGE, attrs.evolve(EIGHT, rows=4, micro_batch=4, batch=32, recompute="none"), place)

    assert found is not None
    assert found.code == "`micro_batch=2`"


def test_adapters_take_a_fraction() -> None:
    place = Hardware(device=A100_40)

    assert (
        adapted(attrs.evolve(EIGHT, processes=1), place).total.likely
        < 0.2 * footprint(attrs.evolve(EIGHT, processes=1), place).total.likely
    )


def test_an_engine_that_divides_layers_is_told_to_divide_them_further() -> None:
    """GPT-3's 175e9 parameters on matrices divided by eight alone: 22e9 of them whole on each device."""
    shape = Llama(hidden=12_288, layers=96, heads=96, kv_heads=96, ffn=32_768, vocabulary=51_200, context=2048)
    wide = TrainingPlacement(
        model=shape,
        processes=1024,
        rows=1,
        length=2048,
        batch=1024,
        micro_batch=1,
        zero_stage=1,
        parallel=Parallel(tensor=8),
        recompute="full",
    )
    place = Hardware(device=A100_80, count=8, nodes=128)
    found = remedy(STAGE, wide, place)

    assert footprint(wide, place).exceeds
    assert found is not None
    assert re.fullmatch(r"`parallel=Parallel\(tensor=8, pipeline=\d+\)`", found.code)

    class Plain(Train):
        dimensions = ()

    other = remedy(Plain(data=Tokenize(corpus=Crawl())), wide, place)
    assert other is None or "pipeline" not in other.code


def test_what_is_wrong_with_the_batch_does_not_hide_what_fits() -> None:
    """Fewer rows than copies is another fault, with a diagnostic of its own."""
    uneven = attrs.evolve(EIGHT, processes=8, rows=8, micro_batch=8, batch=36, recompute="none")

    assert remedy(STAGE, uneven, Hardware(device=A100_40, count=8)) is not None


@pytest.mark.parametrize(("field", "wanted"), [("max_num_seqs", "`max_num_seqs=16`"), ("at_the_same_time", None)])
def test_a_server_is_told_the_name_that_it_has_for_its_requests(field: str, wanted: str | None) -> None:
    class Server:
        tensor_parallel_size = 2

    server: Any = Server()
    setattr(server, field, 64)
    found = remedy(server, ServingPlacement(model=SEVEN, rows=64, length=4096), Hardware(device=A100_80))

    assert (found and found.code) == wanted


def test_a_server_that_shares_its_matrices_is_told_to_share_them_further() -> None:
    class Server:
        tensor_parallel_size = 1

    shape = Llama(hidden=8192, layers=80, heads=64, kv_heads=8, ffn=28_672, vocabulary=32_000, context=4096)
    server: Any = Server()
    found = remedy(server, ServingPlacement(model=shape, rows=1, length=4096), Hardware(device=H100))

    assert found is not None
    assert found.code == "`tensor_parallel_size=2, on=Hardware(device=H100, count=2)`"


def test_no_device_is_named_that_lacks_an_arithmetic_or_is_anothers() -> None:
    """An H100 has fp8, which an MI250X of 128 GB has not; an MI300X has, but runs other software."""
    found = larger_device(ServingPlacement(model=SEVEN, rows=50, length=4096), Hardware(device=H100))

    assert found is not None
    assert found.code == "`on=Hardware(device=H200, count=1)`"
