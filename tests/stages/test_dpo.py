from pathlib import Path

import pytest

from pipeline_dsl.lang.artifacts import Policy
from pipeline_dsl.stages.dpo import Dpo
from tests.stages.alignment_bench import pairs, prompts, sft_model
from tests.stages.workbench import Workbench

pytestmark = pytest.mark.stages


def tuned(bench: Workbench, rate: float) -> Policy:
    """What DPO makes of the tiny model at a learning rate."""
    return bench.run(
        Dpo(
            policy=sft_model(bench),
            data=pairs(bench),
            held=pairs(bench, 12),
            prompts=prompts(bench),
            epochs=6,
            batch=16,
            learning_rate=rate,
            chosen_weight=1.0,
            precision="fp32",
            kl_budget=50.0,
            max_new_tokens=4,
            save_every=0,
        )
    )


def test_preferences_are_learnt_and_the_policy_moves_from_its_reference(tmp_path: Path) -> None:
    made = tuned(Workbench(tmp_path), 3e-3)

    assert made.figures["preference_accuracy"].value > 90
    assert made.kl.per_sequence.value > 0.1
    assert made.kl.per_sequence.samples == 12  # two answers to each of six prompts
    assert made.kl_from_first == made.kl


def test_a_policy_that_hardly_learns_hardly_moves(tmp_path: Path) -> None:
    made = tuned(Workbench(tmp_path), 1e-9)

    assert 0 <= made.kl.per_sequence.value < 1e-4
