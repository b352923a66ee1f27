"""Pairs of numbers and which of them is more."""

from pipelines.wordnet.nouns import Part, part_of, shuffled

Pair = tuple[int, int]


def pairs(part: Part) -> list[Pair]:
    """Ordered pairs of different numbers below 100, in random order.

    The part is drawn for the two numbers, not for their order: nobody has seen (3, 7) who is asked about (7, 3).
    """
    every = [(first, second) for first in range(100) for second in range(100) if first != second]
    chosen = [pair for pair in every if part_of(f"{min(pair)} {max(pair)}") == part]
    return shuffled(chosen, key=str)
