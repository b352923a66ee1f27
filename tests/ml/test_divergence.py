"""Divergence is what its closed form says, and is measured on what the policy itself says."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.causal import load_causal
from pipeline_dsl.ml.divergence import measure, token_divergence
from tests.stages.tiny_model import model_folder
from tests.stages.workbench import Workbench

pytestmark = pytest.mark.stages

logits = st.lists(st.floats(-30, 30), min_size=5, max_size=5)
END = 2
PROMPTS = [[1, 4, 60 + place, 80, 5] for place in range(24)]


def tensor(values: Any) -> Any:
    torch: Any = pytest.importorskip("torch")
    return torch.tensor(values, dtype=torch.float64)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def model(bench: Workbench, noise: float = 0.0) -> Any:
    """The tiny model; with `noise`, its weights moved by so much, relative to their own spread, in a fixed direction."""
    torch: Any = bench.library("torch")
    found, _ = load_causal(bench, model_folder(hidden=32, ffn=64))
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in found.parameters():
            weight += noise * weight.std() * torch.randn_like(weight)
    return found


def kl(bench: Workbench, policy: Any, *references: Any, samples: int = 4, tokens: int = 12) -> Any:
    found = measure(bench, policy, references, PROMPTS, samples=samples, max_new_tokens=tokens, end=END, seed=3)
    return found[0] if len(references) == 1 else found


@settings(deadline=None)  # the first example imports torch
@given(logits, logits)
def test_divergence_of_two_distributions_is_never_below_zero(one: list[float], other: list[float]) -> None:
    assert float(token_divergence(tensor(one), tensor(other))) >= -1e-12


@settings(deadline=None)
@given(logits, st.floats(-20, 20))
def test_a_constant_added_to_all_logits_is_no_divergence(one: list[float], shift: float) -> None:
    assert float(token_divergence(tensor(one), tensor(one) + shift)) == pytest.approx(0, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_two_coins_diverge_by_the_closed_form(policy: float, reference: float) -> None:
    expected = policy * math.log(policy / reference) + (1 - policy) * math.log((1 - policy) / (1 - reference))
    coins = [tensor([math.log(share), math.log(1 - share)]) for share in (policy, reference)]

    assert float(token_divergence(*coins)) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 50))
def test_a_certain_policy_diverges_from_a_uniform_reference_by_the_logarithm_of_the_choices(choices: int) -> None:
    certain = tensor([100.0] + [0.0] * (choices - 1))

    assert float(token_divergence(certain, tensor([0.0] * choices))) == pytest.approx(math.log(choices), abs=1e-9)


def test_a_model_does_not_diverge_from_itself(bench: Workbench) -> None:
    found = kl(bench, model(bench), model(bench))

    assert found.per_sequence.value == pytest.approx(0, abs=1e-6)
    assert found.per_token == pytest.approx(0, abs=1e-7)


def test_the_further_the_weights_the_greater_the_divergence(bench: Workbench) -> None:
    found = [kl(bench, model(bench, noise), model(bench)).per_sequence.value for noise in (0.02, 0.1, 0.5)]

    assert 0 < found[0] < found[1] < found[2]


def test_the_estimate_is_that_of_the_log_ratios_of_whole_answers(bench: Workbench) -> None:
    """The mean of log policy - log reference over the policy's answers estimates the same number, with more noise."""
    from pipeline_dsl.lang.measure import Score
    from pipeline_dsl.ml.sampling import sample
    from pipeline_dsl.ml.scoring import Continuation, answer_logprobs

    policy, reference = model(bench, 0.3), model(bench)
    asked = [prompt for prompt in PROMPTS for _ in range(40)]
    said = sample(bench, policy, asked, max_new_tokens=12, temperature=1.0, seed=9, end=END)
    rows = [Continuation(prompt, answer) for prompt, answer in zip(asked, said, strict=True)]
    ratios = [ours - theirs for ours, theirs in zip(*(answer_logprobs(bench, each, rows) for each in (policy, reference)), strict=True)]
    plain, exact = Score.mean(ratios), kl(bench, policy, reference, samples=40).per_sequence

    assert plain.stderr is not None
    assert exact.stderr is not None
    assert exact.value == pytest.approx(plain.value, abs=4 * math.hypot(plain.stderr, exact.stderr))
    assert exact.stderr < plain.stderr / 2


def test_all_references_are_measured_on_the_same_answers(bench: Workbench) -> None:
    near, far = kl(bench, model(bench, 0.3), model(bench, 0.3), model(bench))

    assert near.per_sequence.value == pytest.approx(0, abs=1e-5)
    assert far.per_sequence.value > 0.01
    assert near.per_sequence.samples == far.per_sequence.samples == 4 * len(PROMPTS)
    assert near.prompts == len(PROMPTS)


def test_saying_the_same_again_narrows_no_interval(bench: Workbench) -> None:
    torch: Any = bench.library("torch")
    certain = model(bench, 0.3)
    with torch.no_grad():
        certain.model.norm.weight *= 1000  # each prompt has one answer now, however often it is asked
    once, often = (kl(bench, certain, model(bench), samples=samples).per_sequence for samples in (1, 8))

    assert (once.samples, often.samples) == (len(PROMPTS), 8 * len(PROMPTS))
    assert often.value == pytest.approx(once.value, rel=0.01)
    assert often.stderr == pytest.approx(once.stderr, rel=0.05)  # as if all were independent, it would be a third


def test_answers_to_one_prompt_say_nothing_about_others(bench: Workbench) -> None:
    (found,) = measure(bench, model(bench, 0.3), [model(bench)], PROMPTS[:1], samples=8, max_new_tokens=12, end=END, seed=3)

    assert found.per_sequence.samples == 8
    assert found.per_sequence.stderr is None


def test_the_same_seed_measures_the_same_number(bench: Workbench) -> None:
    assert kl(bench, model(bench, 0.3), model(bench)) == kl(bench, model(bench, 0.3), model(bench))


def test_without_a_prompt_there_is_nothing_to_measure(bench: Workbench) -> None:
    with pytest.raises(StageFailed, match="no prompt"):
        measure(bench, model(bench), [model(bench)], [], samples=1, max_new_tokens=2, end=END, seed=0)
