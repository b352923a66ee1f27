"""Choices that share their context's row have the log-probabilities of choices in rows of their own."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pipeline_dsl.ml.choices import WIDTH, batch_of, can_share, row_answers, rows_of
from tests.stages.tiny_model import library, model_folder

pytestmark = pytest.mark.stages

ids = st.lists(st.integers(3, 500), min_size=1, max_size=12)
requests = st.lists(st.tuples(st.just(None), st.lists(st.integers(3, 500), min_size=1, max_size=9).map(list), ids), min_size=1, max_size=8)


def model() -> Any:
    torch = library("torch")
    transformers = library("transformers")

    torch.set_num_threads(1)
    return transformers.AutoModelForCausalLM.from_pretrained(model_folder(), dtype=torch.float32)


def alone(network: Any, context: list[int], continuation: list[int]) -> tuple[float, bool]:
    torch = library("torch")

    with torch.no_grad():
        logits = network(torch.tensor([context + continuation])).logits[0, len(context) - 1 : -1].log_softmax(-1)
    wanted = torch.tensor(continuation)
    return float(logits.gather(-1, wanted[:, None]).sum()), bool((logits.argmax(-1) == wanted).all())


def together(network: Any, asked: list[Any]) -> list[tuple[float, bool]]:
    torch = library("torch")

    rows = rows_of(asked)
    tokens, positions, mask = batch_of(torch, rows)
    found: dict[int, tuple[float, bool]] = {}
    with torch.no_grad():
        logits = network(input_ids=tokens, position_ids=positions, attention_mask=mask).logits
    for index, row in enumerate(rows):
        found.update(zip(row.requests, row_answers(torch, row, logits[index]), strict=True))
    return [found[place] for place in range(len(asked))]


@settings(max_examples=25, deadline=None)
@given(requests, st.integers(0, 3))
def test_sharing_a_row_changes_no_log_probability(asked: list[Any], shared: int) -> None:
    asked = [(text, asked[0][1] if index <= shared else context, continuation) for index, (text, context, continuation) in enumerate(asked)]
    network = model()

    expected = [alone(network, context, continuation) for _, context, continuation in asked]

    found = together(network, asked)
    assert [answer[0] for answer in found] == pytest.approx([answer[0] for answer in expected], rel=1e-4, abs=1e-3)
    assert [answer[1] for answer in found] == [answer[1] for answer in expected]


def test_the_choices_of_one_question_are_one_row() -> None:
    rows = rows_of([(None, [1, 5, 6], [7, 8]), (None, [1, 5, 6], [9]), (None, [1, 4], [7])])

    assert [(row.requests, row.length) for row in rows] == [((0, 1), 4), ((2,), 2)]


def test_continuations_of_a_context_that_says_nothing_fill_rows_of_bounded_length() -> None:
    rows = rows_of([(None, [1], [5] * 20) for _ in range(100)])

    assert sum(len(row.requests) for row in rows) == 100
    assert max(row.length for row in rows) <= WIDTH


def test_a_model_with_windowed_attention_does_not_share() -> None:
    transformers = library("transformers")

    config: Any = transformers.MistralConfig(sliding_window=16)
    config._attn_implementation = "sdpa"

    assert not can_share(config)
