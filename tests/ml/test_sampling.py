"""Answers written in batches are those of one prompt at a time, and are drawn as the model says."""

import math
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.ml.causal import load_causal
from pipeline_dsl.ml.sampling import sample
from pipeline_dsl.ml.scoring import Continuation, answer_logprobs
from tests.stages.tiny_model import model_folder
from tests.stages.workbench import Workbench

pytestmark = pytest.mark.stages

END = 2
PROMPTS = [[1, 4, *range(60, 60 + length), 5] for length in (1, 9, 3, 20, 2, 5)]


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def model(bench: Workbench) -> Any:
    return load_causal(bench, model_folder(hidden=32, ffn=64))[0]


def test_a_batch_of_prompts_of_all_lengths_is_answered_as_each_alone(bench: Workbench) -> None:
    policy = model(bench)
    together = sample(bench, policy, PROMPTS, max_new_tokens=10, temperature=0.0, seed=0, end=END)
    alone = [sample(bench, policy, [prompt], max_new_tokens=10, temperature=0.0, seed=0, end=END)[0] for prompt in PROMPTS]

    assert together == alone


def test_greedy_answers_are_those_of_transformers(bench: Workbench) -> None:
    torch: Any = bench.library("torch")
    policy = model(bench)
    for prompt, answer in zip(PROMPTS, sample(bench, policy, PROMPTS, max_new_tokens=10, temperature=0.0, seed=0, end=END), strict=True):
        ids = torch.tensor([prompt])
        said = policy.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False, eos_token_id=END, pad_token_id=0
        )
        assert said[0, len(prompt) :].tolist() == answer


def test_tokens_are_drawn_as_often_as_the_model_says(bench: Workbench) -> None:
    policy = model(bench)
    said = sample(bench, policy, [PROMPTS[0]] * 4000, max_new_tokens=1, temperature=1.0, seed=1, end=END)
    tokens = sorted({answer[0] for answer in said}, key=lambda token: -sum(answer == [token] for answer in said))[:5]
    for token, logprob in zip(tokens, answer_logprobs(bench, policy, [Continuation(PROMPTS[0], [t]) for t in tokens]), strict=True):
        share, seen = math.exp(logprob), sum(answer == [token] for answer in said) / len(said)
        assert seen == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(said)) + 1e-3)


def test_unlikely_tokens_are_drawn_too(bench: Workbench) -> None:
    said = sample(bench, model(bench), [PROMPTS[0]] * 4000, max_new_tokens=1, temperature=1.0, seed=1, end=END)

    assert len({answer[0] for answer in said}) > 50  # top-k of 50, the library's default, would stop there


def test_an_answer_ends_with_its_end_token_and_says_nothing_after_it(bench: Workbench) -> None:
    likely = sample(bench, model(bench), [PROMPTS[0]], max_new_tokens=6, temperature=0.0, seed=0, end=-1)[0]
    end = likely[2]
    (cut,) = sample(bench, model(bench), [PROMPTS[0]], max_new_tokens=6, temperature=0.0, seed=0, end=end)

    assert cut == likely[: likely.index(end) + 1]


def test_a_seed_decides_the_answers_and_leaves_the_global_state_alone(bench: Workbench) -> None:
    torch: Any = bench.library("torch")
    policy = model(bench)
    before = torch.random.get_rng_state()
    one, other, third = (sample(bench, policy, PROMPTS, max_new_tokens=8, temperature=1.0, seed=seed, end=END) for seed in (4, 4, 5))

    assert one == other
    assert one != third
    assert torch.random.get_rng_state().equal(before)


def test_a_score_is_the_sum_of_the_log_probabilities_of_an_answers_tokens(bench: Workbench) -> None:
    torch: Any = bench.library("torch")
    policy = model(bench)
    rows = [Continuation(prompt, [70 + place, 71, 2][: 1 + place % 3]) for place, prompt in enumerate(PROMPTS)]
    for row, found in zip(rows, answer_logprobs(bench, policy, rows), strict=True):
        with torch.no_grad():
            each = policy(torch.tensor([row.context + row.answer])).logits[0].log_softmax(-1)
        expected = sum(float(each[len(row.context) - 1 + place, token]) for place, token in enumerate(row.answer))
        assert found == pytest.approx(expected, abs=1e-4)
