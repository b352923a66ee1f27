"""A loss as a power law of model size, fitted to few runs."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import attrs

USUAL_EXPONENT = 0.34
"""Hoffmann et al. (2022), arXiv:2203.15556, equation 10."""
EXPONENT_SPREAD = 0.1
"""How far from it we expect other data, schedules and sizes to lie: one standard deviation."""
NOISE = 0.01
"""Standard deviation of a log loss between seeds, as small runs show it."""


@attrs.frozen(kw_only=True)
class PowerLaw:
    """L(N) = `irreducible` + `coefficient` / N^`exponent`, in nats a token, for N non-embedding parameters."""

    irreducible: float
    coefficient: float
    exponent: float

    def __call__(self, parameters: float) -> float:
        """The loss at a size."""
        return self.irreducible + self.coefficient / parameters**self.exponent


@attrs.frozen(kw_only=True)
class Fit:
    """A law, and the residuals of the log losses that it was fitted to."""

    law: PowerLaw
    residuals: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    """Of (irreducible, log coefficient at the geometric mean size, exponent)."""
    centre: float
    """The natural logarithm of that size."""

    def uncertainty(self, parameters: float) -> float:
        """One standard deviation of the law at a size, by linear propagation; nats a token."""
        reduced = math.log(parameters) - self.centre
        reducible = self.law(parameters) - self.law.irreducible
        slope = (1.0, reducible, -reduced * reducible)
        return math.sqrt(sum(a * b * c for a, row in zip(slope, self.covariance, strict=True) for b, c in zip(slope, row, strict=True)))


def fit(points: Sequence[tuple[int, float]]) -> Fit:
    """The law through (non-embedding parameters, loss) points, by least squares of the log loss.

    This is approach 3 of Hoffmann et al. (2022), at one number of tokens, so that what is missing for want of data is part of
    `irreducible`. Three points cannot tell three unknowns from noise: a slow decay to nothing and a fast one to a high floor
    fit the same points. So the exponent is held near `USUAL_EXPONENT` by a normal prior, which weighs as much as one point
    that is certain to `EXPONENT_SPREAD`, and the floor lies between 0 and the lowest loss seen.
    Raises: ValueError for fewer than three sizes.
    """
    numpy: Any = import_module("numpy")
    optimize: Any = import_module("scipy.optimize")
    if len({size for size, _ in points}) < 3:
        raise ValueError("a law needs three sizes")
    logs = numpy.log([float(size) for size, _ in points])
    losses = numpy.array([loss for _, loss in points])
    centre = float(logs.mean())  # near it the coefficient and the exponent hardly depend on each other

    def residuals(guess: Any) -> Any:
        floor, height, exponent = guess
        predicted = floor + numpy.exp(height - exponent * (logs - centre))
        misfit = (numpy.log(predicted) - numpy.log(losses)) / NOISE
        return numpy.append(misfit, (exponent - USUAL_EXPONENT) / EXPONENT_SPREAD)

    lowest = float(losses.min())
    starts = [(share * lowest, math.log(float(losses.mean()) - share * lowest), USUAL_EXPONENT) for share in (0.1, 0.5, 0.9)]
    bounds = ([0.0, -20.0, 0.0], [lowest, 20.0, 2.0])
    ends = [optimize.least_squares(residuals, start, bounds=bounds, x_scale=(1.0, 1.0, 0.1)) for start in starts]
    best = min(ends, key=lambda end: end.cost)
    floor, height, exponent = (float(value) for value in best.x)
    covariance = numpy.linalg.pinv(best.jac.T @ best.jac)
    return Fit(
        law=PowerLaw(irreducible=floor, coefficient=math.exp(height + exponent * centre), exponent=exponent),
        residuals=tuple(float(value) * NOISE for value in best.fun[:-1]),
        covariance=tuple(tuple(float(value) for value in row) for row in covariance),
        centre=centre,
    )
