"""The pipelines of the repository compile, to the stages and gates that they are meant to have."""

import pytest

from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.generate import suiting
from tests.command import ROOT

TINY = """
01_fetch 02_fetch 03_ingest 04_deduplicate 05_split 06_split 07_split 08_glosses 09_glosses 10_train_tokenizer 11_tokenize
12_tokenize 13_pretrain 14_fit_scaling_law 15_lessons 16_kind_preferences 17_kind_preferences 18_asked 19_asked 20_questions
21_sft 22_train_reward 23_dpo 24_constitutional_ai 25_evaluate 26_evaluate 27_evaluate 28_quantize 29_serve
30_contamination
"""


def plan_of(name: str) -> Plan:
    compiled = compile_target(str(ROOT / "pipelines" / f"{name}.py"))
    assert not compiled.diagnostics
    assert compiled.plan is not None
    return compiled.plan


def test_the_stages_of_the_demo_are_named_by_kind_and_order() -> None:
    assert [stage.name for stage in plan_of("tiny").stages] == TINY.split()


def test_the_reward_model_and_dpo_run_side_by_side() -> None:
    plan = plan_of("tiny")

    assert "22_train_reward" not in plan.ancestors({"23_dpo"})
    assert "23_dpo" not in plan.ancestors({"22_train_reward"})
    assert {"22_train_reward", "23_dpo"} <= plan.ancestors({"24_constitutional_ai"})


@pytest.mark.parametrize("name", ["tiny", "llama_7b", "llama3_8b", "posttrain_70b"])
def test_a_pipeline_that_ships_gates_capability_safety_divergence_and_cost(name: str) -> None:
    plan = plan_of(name)

    assert {gate.metric for gate in plan.gates} >= {
        "safety_violation_rate",
        "safety_refusal_rate",
        "kl_from_reference",
        "cost_total_usd",
    }


def test_seven_billion_parameters_on_two_trillion_tokens_cost_what_the_field_says() -> None:
    (pretraining,) = [stage for stage in plan_of("llama_7b").stages if stage.kind == "pretrain"]

    hours = pretraining.estimate.seconds.point * pretraining.devices / 3600
    six_nd = 6 * 6.74e9 * 2e12 / (0.40 * 989.4e12) / 3600
    assert six_nd < hours < 1.1 * six_nd  # attention is counted on top


@pytest.mark.parametrize(
    ("name", "backends"),
    [
        ("tiny", ["k8s", "local", "slurm"]),
        ("llama_7b", ["k8s", "slurm"]),
        ("llama3_8b", ["k8s", "slurm"]),
        ("posttrain_70b", ["k8s", "slurm"]),
        ("qlora_7b", ["slurm"]),
    ],
)
def test_a_pipeline_is_rendered_for_the_backends_that_suit_it(name: str, backends: list[str]) -> None:
    assert sorted(path.name for path in (ROOT / "generated" / name).iterdir()) == backends
    assert sorted(suiting(plan_of(name))) == backends


def test_seven_billion_parameters_on_one_card_take_no_more_than_a_night() -> None:
    (adapter,) = [stage for stage in plan_of("qlora_7b").stages if stage.kind == "lora_sft"]

    assert adapter.devices == 1
    assert adapter.estimate.seconds.point < 12 * 3600
