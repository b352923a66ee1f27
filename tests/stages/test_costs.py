"""What each kind of stage says that it takes, from its declaration."""

from typing import Any

import pytest

from pipeline_dsl import Chats, EvalSuite, Llama, Lora, Preferences, Prompts, Ref, Size, Sizes, Stage, Work
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.lang.artifacts import Checkpoint, Dataset, QuantizedModel, SftModel, Tokenizer
from pipeline_dsl.stages import Dpo, Evaluate, LoraDpo, LoraSft, Pretrain, Quantize, Serve, Sft, Task, TrainReward

SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
ROWS, LENGTH = 10_000, 256
TASKS = (Task(name="mmlu"),)


class Given(Stage[Any]):
    """An input of a known size."""


base: Ref[Checkpoint] = Given()
tuned: Ref[SftModel] = Given()
chats: Ref[Chats] = Given()
pairs: Ref[Preferences] = Given()
held: Ref[Preferences] = Given()
asked: Ref[Prompts] = Given()
suite: Ref[EvalSuite] = Given()
data: Ref[Dataset] = Given()
tokenizer: Ref[Tokenizer] = Given()
rounded: Ref[QuantizedModel] = Given()

SIZES = Sizes(
    {
        base: Size(model=SEVEN),
        tuned: Size(model=SEVEN),
        rounded: Size(model=SEVEN, bits=4),
        chats: Size(examples=ROWS),
        pairs: Size(examples=ROWS),
        held: Size(examples=100),
        asked: Size(examples=50),
        suite: Size(examples=1_000, tokens=Tokens(1_000_000)),
        data: Size(tokens=Tokens(10**9), examples=10**9 // 4096),
    }
)
FORWARD = SEVEN.forward(ROWS * LENGTH, LENGTH)
"""One pass over the rows."""


def sft(**fields: Any) -> Sft:
    return Sft(base=base, data=chats, learning_rate=1e-5, tokens_per_row=LENGTH, **fields)


def dpo(kind: type[Dpo] | type[LoraDpo] = Dpo, **fields: Any) -> Work:
    stage = kind(policy=tuned, data=pairs, held=held, prompts=asked, learning_rate=1e-6, kl_budget=1.0, tokens_per_row=LENGTH, **fields)
    return stage.cost(SIZES)


def test_pretraining_counts_training_and_validation() -> None:
    stage = Pretrain(
        data=data, validation=data, tokenizer=tokenizer, model=SEVEN, tokens=10**9, batch=64, learning_rate=1e-4, validate_every=10**6
    )
    work = stage.cost(SIZES)
    validated = 256 * 4096 * (1 + 10**9 / (64 * 4096) / 10**6)

    assert work.rule == pytest.approx(6 * SEVEN.parameters * 10**9 + 2 * SEVEN.parameters * validated, rel=1e-6)
    assert work.flops == pytest.approx(3 * SEVEN.forward(10**9, 4096) + SEVEN.forward(validated, 4096), rel=1e-3)
    assert not work.padded


def test_fine_tuning_passes_over_the_rows_in_each_epoch() -> None:
    work = sft(epochs=2).cost(SIZES)

    assert work.flops == pytest.approx(2 * 3 * FORWARD)
    assert work.padded
    assert work.assumed == "rows of 256 tokens"


def test_adapters_save_the_gradients_of_frozen_weights() -> None:
    lora = Lora(rank=16)
    work = LoraSft(base=base, data=chats, learning_rate=1e-4, tokens_per_row=LENGTH, lora=lora).cost(SIZES)

    assert work.flops == pytest.approx(2 * FORWARD + 6 * 39_976_960 * ROWS * LENGTH)


def test_a_reward_model_reads_both_answers() -> None:
    stage = TrainReward(base=tuned, data=pairs, held=held, learning_rate=1e-5, tokens_per_row=LENGTH)

    assert stage.cost(SIZES).flops == pytest.approx(2 * 3 * FORWARD)


def test_preference_training_has_a_reference_that_only_looks() -> None:
    trained = dpo().flops - dpo(epochs=2).flops

    assert -trained == pytest.approx(2 * 4 * FORWARD)


def test_preference_training_of_adapters_takes_three_quarters() -> None:
    whole, adapters = (dpo(kind, epochs=2).flops - dpo(kind).flops for kind in (Dpo, LoraDpo))

    assert adapters / whole == pytest.approx(3 / 4, rel=0.02)


def test_measuring_a_divergence_writes_answers_from_memory() -> None:
    few, many = dpo(kl_samples=1), dpo(kl_samples=4)

    assert few.read > 0
    assert many.written == pytest.approx(4 * few.written)


def test_evaluation_looks_once() -> None:
    work = Evaluate(model=tuned, suite=suite, tasks=TASKS).cost(SIZES)

    assert work.rule == pytest.approx(2 * SEVEN.parameters * 1e6)


def test_rounding_alone_searches_nothing() -> None:
    searched, rounded_only = (
        Quantize(model=base, calibration=chats, suite=suite, tasks=TASKS, method=method).cost(SIZES).flops for method in ("awq", "rtn")
    )

    assert searched - rounded_only == pytest.approx(30 * SEVEN.forward(128 * 512, 512))


def test_a_server_of_four_bit_weights_reads_a_quarter() -> None:
    quantized, whole = (
        Serve(model=model, prompts=asked, concurrency=(1,), dtype="bfloat16").cost(SIZES).million for model in (rounded, tuned)
    )
    assert quantized is not None
    assert whole is not None
    cache = 1e6 * 2 * SEVEN.cached * (0.25 * 2048 + 0.25 * 512 / 2)

    assert quantized.read - cache == pytest.approx((whole.read - cache) / 4)


def test_what_is_not_known_before_it_is_made_is_no_nothing() -> None:
    nothing = Sizes({})

    assert sft().cost(nothing).unknown == "the model's size"
    assert sft().cost(Sizes({base: Size(model=SEVEN)})).unknown == "how many rows there are before they are made"
