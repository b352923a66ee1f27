"""Packing loses no token, invents none, and makes no row too long."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.ml.packing import Ids, Spans, best_fit, bins, concatenated, cut, entropy

PAD = 0
lengths = st.lists(st.integers(0, 40), max_size=40)
capacities = st.integers(1, 16)


def documents(sizes: list[int]) -> tuple[Ids, Spans]:
    """Tokens that occur once each, from 1, in documents of these sizes."""
    ends = np.cumsum(np.array(sizes, np.int64))
    starts = ends - np.array(sizes, np.int64)
    return np.arange(1, sum(sizes) + 1, dtype=np.uint32), np.stack([starts, np.array(sizes, np.int64)], axis=1).reshape(-1, 2)


def content(rows: npt.NDArray[np.uint32]) -> list[int]:
    """Everything in the rows but padding, sorted."""
    return sorted(rows[rows != PAD].tolist())


@given(lengths, capacities)
def test_best_fit_loses_and_invents_no_token(sizes: list[int], capacity: int) -> None:
    tokens, spans = documents(sizes)

    assert content(best_fit(tokens, spans, capacity, PAD)) == tokens.tolist()


@given(lengths, capacities)
def test_best_fit_cuts_no_document_that_fits_a_row(sizes: list[int], capacity: int) -> None:
    tokens, spans = documents(sizes)
    rows = best_fit(tokens, spans, capacity, PAD).tolist()

    for start, size in spans.tolist():
        if 0 < size <= capacity:
            document = tokens[start : start + size].tolist()
            assert any(row[at : at + size] == document for row in rows for at in range(capacity - size + 1))


@given(lengths, capacities)
def test_padding_is_only_at_the_end_of_a_row(sizes: list[int], capacity: int) -> None:
    rows = best_fit(*documents(sizes), capacity, PAD)

    assert rows.shape[1] == capacity
    assert all((row[int((row != PAD).sum()) :] == PAD).all() for row in rows)


@given(lengths, capacities)
def test_concatenated_rows_hold_the_documents_in_order_but_for_the_rest(sizes: list[int], capacity: int) -> None:
    tokens, spans = documents(sizes)
    rows = concatenated(tokens, spans, capacity)

    assert rows.shape == (sum(sizes) // capacity, capacity)
    assert rows.ravel().tolist() == tokens[: rows.size].tolist()


def test_documents_are_concatenated_in_the_order_of_their_spans() -> None:
    tokens, spans = documents([2, 3, 1])

    assert concatenated(tokens, spans[[2, 0, 1]], 3).tolist() == [[6, 1, 2], [3, 4, 5]]


def test_a_span_that_is_there_twice_enters_twice() -> None:
    tokens, spans = documents([2, 1])

    assert content(best_fit(tokens, spans[[0, 0, 1]], 4, PAD)) == [1, 1, 2, 2, 3]


@given(st.lists(st.integers(1, 16), max_size=60), st.integers(16, 20))
def test_every_item_is_in_one_bin_and_no_bin_overflows(sizes: list[int], capacity: int) -> None:
    packed = bins(sizes, capacity)

    assert sorted(index for members in packed for index in members) == list(range(len(sizes)))
    assert all(0 < sum(sizes[index] for index in members) <= capacity for members in packed)


@given(st.lists(st.integers(1, 16), max_size=60), st.integers(16, 20))
def test_the_bins_are_those_of_best_fit_decreasing_done_slowly(sizes: list[int], capacity: int) -> None:
    left: list[int] = []
    for size in sorted(sizes, reverse=True):
        fitting = [place for place, space in enumerate(left) if space >= size]
        if fitting:
            left[min(fitting, key=lambda place: left[place])] -= size
        else:
            left.append(capacity - size)

    assert sorted(capacity - sum(sizes[index] for index in members) for members in bins(sizes, capacity)) == sorted(left)


def test_best_fit_fills_realistic_lengths_to_more_than_99_of_100() -> None:
    sizes = np.clip(np.random.default_rng(0).lognormal(5.85, 1.0, size=5000), 16, 2048).astype(int).tolist()

    assert sum(sizes) / (len(bins(sizes, 2048)) * 2048) > 0.99


@given(lengths, capacities)
def test_cut_spans_cover_the_same_tokens_in_order(sizes: list[int], capacity: int) -> None:
    _, spans = documents(sizes)
    parts = cut(spans, capacity)

    assert [at for start, size in parts.tolist() for at in range(start, start + size)] == list(range(sum(sizes)))
    assert all(0 < size <= capacity for size in parts[:, 1].tolist())


def test_no_documents_make_no_rows() -> None:
    tokens, spans = documents([])

    assert best_fit(tokens, spans, 8, PAD).shape == concatenated(tokens, spans, 8).shape == (0, 8)


@pytest.mark.parametrize(("counts", "nats"), [([1, 1, 1, 1], np.log(4)), ([0, 7], 0.0), ([1, 3], 0.5623351446)])
def test_entropy_is_that_of_the_shares(counts: list[int], nats: float) -> None:
    assert entropy(np.array(counts)) == pytest.approx(nats)
