from pathlib import Path

import pytest

from pipeline_dsl.stages.constitutional import ConstitutionalAi, Principle
from pipeline_dsl.stages.dpo import Dpo
from pipeline_dsl.stages.reward import TrainReward
from tests.stages.alignment_bench import REFUSAL, answer, loaded, pairs, prompts, sft_model
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages


def declared(bench: Workbench, threshold: float) -> ConstitutionalAi:
    """Constitutional AI on the tiny model; at a very low threshold every request violates, at a very high one none does."""
    sft = sft_model(bench)
    reward = TrainReward(base=sft, data=pairs(bench), held=pairs(bench, 6), batch=16, learning_rate=1e-3, precision="fp32", save_every=0)
    policy = Dpo(
        policy=sft,
        data=pairs(bench),
        held=pairs(bench, 6),
        prompts=prompts(bench),
        batch=16,
        learning_rate=1e-4,
        precision="fp32",
        kl_budget=5.0,
        max_new_tokens=4,
        save_every=0,
    )
    bench.run(reward)
    bench.run(policy)
    return ConstitutionalAi(
        policy=policy,
        reference=sft,
        reward=reward,
        prompts=prompts(bench, 48),
        held=prompts(bench),
        principles=(Principle(critique="bad?", revision=REFUSAL, threshold=threshold),),
        epochs=8,
        batch=16,
        learning_rate=3e-3,
        precision="fp32",
        kl_budget=50.0,
        max_new_tokens=6,
        save_every=0,
    )


def test_what_a_principle_forbids_is_refused_afterwards(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = declared(bench, threshold=-1e9)

    made = bench.run(stage)

    model, tokenizer = loaded(bench, stage)
    assert answer(model, tokenizer, "blue") == REFUSAL
    assert made.kl.per_sequence.value > 0.1
    assert made.kl_from_first.per_sequence.value > 0.1


def test_what_no_principle_forbids_is_not_refused(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = declared(bench, threshold=1e9)

    bench.run(stage)

    model, tokenizer = loaded(bench, stage)
    assert answer(model, tokenizer, "blue") != REFUSAL


def test_a_constitution_without_principles_is_said(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    sft = sft_model(bench)
    stage = ConstitutionalAi(
        policy=sft,  # pyright: ignore[reportArgumentType]
        reference=sft,
        reward=sft,  # pyright: ignore[reportArgumentType]
        prompts=prompts(bench),
        held=prompts(bench),
        principles=(),
        learning_rate=1e-3,
        kl_budget=1.0,
    )

    assert "no principle" in messages(stage)
