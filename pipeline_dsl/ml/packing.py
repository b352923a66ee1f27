"""Documents of many lengths into rows of one length.

Documents are given flat: all their tokens in one array, and where each begins; `spans` are (start, length) into it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint32]
Spans = npt.NDArray[np.int64]
"""[spans, 2]: start and length of each."""


def concatenated(tokens: Ids, spans: Spans, length: int) -> Ids:
    """The spans one after the other, cut into rows; what does not fill the last row is left out.

    Shape of the result: [total // length, length].
    """
    rows = int(spans[:, 1].sum()) // length
    flat = np.empty(rows * length, np.uint32)
    at = 0
    for start, size in spans.tolist():
        size = min(size, len(flat) - at)
        flat[at : at + size] = tokens[start : start + size]
        at += size
    return flat.reshape(rows, length)


def best_fit(tokens: Ids, spans: Spans, length: int, pad: int) -> Ids:
    """The spans in rows that cut none of them, but for spans longer than a row; rows are filled up with `pad`.

    No token is lost or there twice.
    Shape of the result: [rows, length].
    """
    parts = cut(spans, length)
    packed = bins(parts[:, 1].tolist(), length)
    rows = np.full((len(packed), length), pad, np.uint32)
    for row, members in zip(rows, packed, strict=True):
        at = 0
        for start, size in parts[members].tolist():
            row[at : at + size] = tokens[start : start + size]
            at += size
    return rows


def cut(spans: Spans, length: int) -> Spans:
    """The spans, in order, those longer than `length` cut into spans of that length and a rest."""
    counts = -(-spans[:, 1] // length)
    owner = np.repeat(np.arange(len(spans)), counts)
    offset = (np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)) * length
    return np.stack([spans[owner, 0] + offset, np.minimum(spans[owner, 1] - offset, length)], axis=1)


def bins(sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of `sizes` in bins that hold at most `capacity`, by best-fit decreasing.

    The largest go first, each into the fullest bin that it fits. Which free spaces there are is one integer with a bit each,
    so that the smallest sufficient one is found by shifting.
    Source: Ding et al. (2024), "Fewer Truncations Improve Language Modeling", arXiv:2404.10830, algorithm 1.
    """
    packed: list[list[int]] = []
    with_space: list[list[int]] = [[] for _ in range(capacity + 1)]
    spaces = 0
    for index in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        size = sizes[index]
        fitting = spaces >> size
        if fitting:
            space = size + (fitting & -fitting).bit_length() - 1
            place = with_space[space].pop()
            if not with_space[space]:
                spaces &= ~(1 << space)
        else:
            space, place = capacity, len(packed)
            packed.append([])
        packed[place].append(index)
        left = space - size
        if left:
            with_space[left].append(place)
            spaces |= 1 << left
    return packed


def entropy(counts: npt.NDArray[np.int64]) -> float:
    """Entropy of the distribution that the counts describe, nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
