"""Work adds up, and is counted by what a token goes through."""

import attrs
import pytest

from pipeline_dsl import Experts, Llama, Lora
from pipeline_dsl.base.flops import ADAPTING, LOOKING, TRAINING
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.adapter import adapter_parameters
from pipeline_dsl.lang.reinforcement import reinforcement
from pipeline_dsl.lang.size import Work

SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
"""Llama 2 7B."""

MIXTRAL = Llama(
    hidden=4096,
    layers=32,
    heads=32,
    kv_heads=8,
    ffn=14336,
    vocabulary=32_000,
    context=4096,
    experts=Experts(count=8, active=2, ffn=14336),
)


def test_training_is_six_operations_a_parameter_and_token_and_attention() -> None:
    work = Work.passes(SEVEN, TRAINING, tokens=1e6, length=4096)

    assert work.rule == pytest.approx(6 * 6.738e9 * 1e6, rel=1e-3)
    assert work.flops == pytest.approx(6 * (6.738e9 - 0.131e9) * 1e6 + 6 * 32 * 4096 * 4096 * 1e6, rel=1e-3)


def test_experts_that_are_not_picked_cost_nothing() -> None:
    work = Work.passes(MIXTRAL, TRAINING, tokens=1e6, length=4096)

    assert work.rule == pytest.approx(6 * 12.9e9 * 1e6, rel=0.01)  # Mixtral of Experts, arXiv:2401.04088: 13B active of 47B
    assert MIXTRAL.parameters == pytest.approx(46.7e9, rel=0.01)


def test_frozen_weights_take_two_thirds() -> None:
    frozen, whole = (Work.passes(SEVEN, count, tokens=1e6, length=512) for count in (ADAPTING, TRAINING))

    assert frozen.flops / whole.flops == pytest.approx(2 / 3)


def test_recomputation_is_no_model_arithmetic() -> None:
    kept, again = (Work.passes(SEVEN, TRAINING, tokens=1e6, length=4096, recompute=how) for how in ("none", "full"))

    assert again.flops == kept.flops
    assert again.recomputed == pytest.approx(kept.flops / 3)
    assert Work.passes(SEVEN, LOOKING, tokens=1e6, length=4096, recompute="full").recomputed == 0


def test_recomputing_attention_alone_is_less() -> None:
    selective, full = (Work.passes(SEVEN, TRAINING, tokens=1e6, length=4096, recompute=how).recomputed for how in ("selective", "full"))

    assert 0 < selective < full / 5


def test_an_adapter_of_rank_16_on_every_matrix_of_llama_2_7b_has_forty_million_parameters() -> None:
    assert adapter_parameters(SEVEN, Lora(rank=16)) == 39_976_960  # as peft counts it


def test_writing_alone_reads_all_weights_for_every_token() -> None:
    work = Work.writing(SEVEN, tokens=100, at_once=1, prompt=10, answer=100)

    assert work.read == pytest.approx(100 * 2 * 6.6e9, rel=0.02)


def test_writing_together_shares_the_weights_and_not_the_cache() -> None:
    alone, together = (Work.writing(SEVEN, tokens=1e4, at_once=rows, prompt=100, answer=100) for rows in (1, 64))
    cache = 1e4 * 2 * SEVEN.cached * 150

    assert together.read - cache == pytest.approx((alone.read - cache) / 64)


def test_weights_in_four_bits_are_read_four_times_as_fast() -> None:
    four, sixteen = (Work.writing(SEVEN, tokens=1e3, at_once=1, prompt=1, answer=1, bits=bits).read for bits in (4, 16))

    assert four == pytest.approx(sixteen / 4, rel=0.01)


def test_one_token_reads_the_experts_that_it_picks_and_many_read_all() -> None:
    every = attrs.evolve(MIXTRAL, experts=attrs.evolve(MIXTRAL.experts, active=8)) if MIXTRAL.experts else MIXTRAL

    assert MIXTRAL.touched(1) == pytest.approx(MIXTRAL.matmul_parameters, rel=0.01)
    assert MIXTRAL.touched(100) == pytest.approx(every.matmul_parameters, rel=0.01)


def test_work_is_added_with_what_is_unknown_of_it() -> None:
    first = Work.passes(SEVEN, TRAINING, tokens=1e6, length=512)
    both = first + Work(seconds=Seconds(10), unknown="the weather") + Work(unknown="the weather")

    assert (both.flops, both.rule, both.seconds, both.unknown, both.model) == (first.flops, first.rule, 10, "the weather", SEVEN)


def test_ppo_learns_with_a_critic_and_grpo_without() -> None:
    grpo, ppo = (
        reinforcement(SEVEN, prompts=1e4, samples=8, prompt=200, answer=800, at_once=64, critic=other, reward=other)
        for other in (None, SEVEN)
    )
    forward = SEVEN.forward(1e4 * 8 * 1000, 1000)
    prompts = SEVEN.forward(1e4 * 8 * 200, 200)

    assert grpo.flops == pytest.approx(5 * forward + prompts)
    assert ppo.flops == pytest.approx(10 * forward + prompts)
    assert grpo.read == ppo.read > 0
    assert grpo.written == ppo.written > 0
