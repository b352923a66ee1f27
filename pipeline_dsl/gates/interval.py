"""What a score leaves open: its 95% interval."""

from pipeline_dsl.base.statistics import CONFIDENCE, Z, share_error
from pipeline_dsl.lang.measure import Score

SCALES = {"percent": 100.0, "fraction": 1.0}
"""What a share of everything is called in the units that shares are given in."""


def standard_error(score: Score, unit: str) -> float | None:
    """The standard error that was measured with a score; for a share without one, the binomial one of its samples.

    A measured error of 0 of a share that is neither none nor all is none: lm-eval writes such for metrics that it cannot resample.
    """
    if score.stderr:
        return score.stderr
    scale = SCALES.get(unit)
    if scale is None or score.samples < 2 or not 0 <= score.value <= scale:
        return score.stderr
    return scale * share_error(score.value / scale, score.samples)


def interval(score: Score, unit: str) -> tuple[float, float] | None:
    """The 95% interval of a score's mean; None where nothing is known of its error.

    Where the error is that of a share, the interval stays within its scale; a measured one may be of a difference, which does not.

    A share of none or of all has no spread, and says all the same only so much: there it is the exact binomial interval, about
    3.7 / samples wide. Source: Clopper and Pearson (1934), "The use of confidence or fiducial limits", Biometrika 26.
    """
    error = standard_error(score, unit)
    if error is None:
        return None
    scale = SCALES.get(unit)
    if scale is not None and error == 0 and score.samples > 1 and score.value in (0.0, scale):
        reach = scale * (1 - ((1 - CONFIDENCE) / 2) ** (1 / score.samples))
        return (0.0, reach) if score.value == 0 else (scale - reach, scale)
    low, high = score.value - Z * error, score.value + Z * error
    if scale is None or score.stderr or not 0 <= score.value <= scale:
        return low, high
    return max(low, 0.0), min(high, scale)
