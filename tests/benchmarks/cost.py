"""How far the estimates of training are off, on what others published of theirs; and the fit of the predicted MFU, to be redone."""

import math
from collections.abc import Iterable, Iterator

import attrs
import numpy as np
import numpy.typing as npt

from pipeline_dsl.lang.utilization import SPREAD, WEIGHTS
from tests.benchmarks.published import Training, runs, speeds
from tests.benchmarks.table import Row

Vector = npt.NDArray[np.float64]

RIDGE = 0.1
"""Pulls every weight but the constant to 0."""

ROBUST = 0.25
"""Residuals of log(MFU) beyond which a run counts less (Huber, 1964)."""

STEPS = 0.1
"""Weight of a family of measured steps beside a family of whole runs."""

CONFIDENCE = 0.8

SAME = {"mpt": "MPT", "deepseek": "DeepSeek", "llama3": "LLAMA3"}
"""Families of runs whose architecture is among the measured steps as well: they are left out together."""


@attrs.frozen
class Judged:
    """A run, the MFU predicted for it by a fit that never saw its family, and how far the interval of that fit reaches."""

    run: Training
    predicted: float
    spread: float

    @property
    def error(self) -> float:
        """Predicted hours beside published ones: 0.1 is 10% too many."""
        return self.run.reached / self.predicted - 1

    @property
    def covered(self) -> bool:
        """Whether the published hours lie in the interval."""
        return abs(math.log(self.run.reached / self.predicted)) <= self.spread


def rows() -> Iterator[Row]:
    """The figures that are held to a bound, after a table of every run on standard output."""
    known, steps = [run for run in runs() if run.fit], speeds()
    judged = leave_out(known, steps)
    weights = fit(known, steps)
    _print(judged, weights)
    stated = [run for run in runs() if run.mfu is not None]
    yield _bound(f"hours by published MFU, {len(stated)} runs, median error", [with_published(run) for run in stated], 0.08)
    timed = [run for run in steps if run.mfu is not None and run.precision == "bf16"]  # in 8 bits, it is of another peak
    whole = [with_published(run, masked=False) for run in timed]
    yield _bound(f"speed by published MFU, {len(timed)} measured steps, attention counted as published, median error", whole, 0.08)
    yield _bound(f"hours by predicted MFU, {len(judged)} runs, own family left out, median error", [one.error for one in judged], 0.20)
    share = sum(one.covered for one in judged) / len(judged)
    yield Row("the same, published hours inside the 80% interval", f"{share:.0%}", "", "", "75 to 90%", 0.75 <= share <= 0.90)
    apart = max(abs(weights[name] - WEIGHTS[name]) for name in WEIGHTS)
    apart = max(apart, abs(spread(judged) - SPREAD))
    yield Row("the package's weights beside this fit, largest difference", f"{apart:.4f}", "", "", "<= 0.01", apart <= 0.01)
    for family in sorted({run.family for run in steps}):
        errors = [run.reached / predicted(weights, run) - 1 for run in steps if run.family == family]
        yield Row(f"best-case steps of {family}, {len(errors)}, beside the prediction", f"{np.median(errors):+.0%}", "", "", "", None)


def with_published(run: Training, *, masked: bool = True) -> float:
    """Hours by the published MFU beside published hours; without the mask, attention over the whole row is counted (PaLM, appendix B)."""
    if run.mfu is None:
        raise ValueError(f"{run.name} has no published MFU")
    return run.reached * (1 if masked else 1 + run.attention / run.flops) / run.mfu - 1


def predicted(weights: dict[str, float], run: Training) -> float:
    """The MFU that weights give a training."""
    return math.exp(sum(weights[name] * value for name, value in run.features.items()))


def fit(known: Iterable[Training], steps: Iterable[Training]) -> dict[str, float]:
    """Weights of the features: least squares in log(MFU), robust, every family as heavy as another.

    Measured steps say how features change the speed inside one framework; each framework has a constant of its own, so how much
    faster tuned steps are than whole runs is not learnt from them.
    """
    whole, part = list(known), list(steps)
    every = whole + part
    frameworks = sorted({run.family for run in part})
    own = [[float(place >= len(whole) and run.family == name) for name in frameworks] for place, run in enumerate(every)]
    table = np.array([[*run.features.values(), *mark] for run, mark in zip(every, own, strict=True)])
    goal = np.log([run.reached for run in every])
    families = [run.family for run in every]
    heavy = np.array([(1.0 if place < len(whole) else STEPS) / math.sqrt(families.count(family)) for place, family in enumerate(families)])
    pull = np.diag([1e-6, *[RIDGE] * (len(WEIGHTS) - 1), *[RIDGE / 2] * len(frameworks)])
    robust = np.ones(len(every))
    found = np.zeros(table.shape[1])
    for _ in range(15):
        weighted = table * (heavy * robust)[:, None]
        found = np.linalg.solve(table.T @ weighted + pull, weighted.T @ goal)
        robust = np.minimum(1.0, ROBUST / np.maximum(np.abs(goal - table @ found), 1e-9))
    return dict(zip(WEIGHTS, (float(value) for value in found), strict=False))


def leave_out(known: list[Training], steps: list[Training]) -> list[Judged]:
    """Every run judged by a fit on all other families, with an interval from the errors that those make when they are left out."""
    families = sorted({run.family for run in known})
    fits = {
        family: fit(
            [run for run in known if run.family != family],
            [run for run in steps if family not in SAME or SAME[family] not in run.name],
        )
        for family in families
    }
    first = [Judged(run, predicted(fits[run.family], run), 0.0) for run in known]
    reach = {family: spread([one for one in first if one.run.family != family]) for family in families}
    return [attrs.evolve(one, spread=reach[one.run.family]) for one in first]


def spread(judged: list[Judged]) -> float:
    """What four of five errors of log(MFU) stay below, every family as heavy as another.

    The share is raised by one over the number of families, for the one more that is to come (Vovk et al., 2005: conformal).
    """
    families = [one.run.family for one in judged]
    errors = sorted((abs(math.log(one.run.reached / one.predicted)), 1 / families.count(one.run.family)) for one in judged)
    wanted = min(1.0, CONFIDENCE * (1 + 1 / len(set(families)))) * sum(heavy for _, heavy in errors)
    reached = 0.0
    for error, heavy in errors:
        reached += heavy
        if reached >= wanted:
            return error
    return errors[-1][0]


def _bound(what: str, errors: list[float], limit: float) -> Row:
    middle = float(np.median(np.abs(errors)))
    return Row(what, f"{middle:.1%}", "", "", f"<= {limit:.0%}", middle <= limit)


def _print(judged: list[Judged], weights: dict[str, float]) -> None:
    print(f"{'run':20} {'device':13} {'devices':>7} {'hours':>11} {'predicted':>11} {'80% interval':>25}  error  {'published MFU':>13}")
    for one in sorted(judged, key=lambda one: one.error):
        run = one.run
        hours = run.hours * (1 + one.error)
        low, high = hours * math.exp(-one.spread), hours * math.exp(one.spread)
        stated = "" if run.mfu is None else f"{with_published(run):+.0%}"
        inside = " " if one.covered else "*"
        print(
            f"{run.name:20} {run.device.name:13} {run.published_devices or '':>7} {run.hours:>11,.0f} {hours:>11,.0f} "
            f"{low:>12,.0f}-{high:>12,.0f}{inside} {one.error:+5.0%}  {stated:>13}"
        )
    print("* outside of the interval. Weights: " + ", ".join(f"{name} {value:+.4f}" for name, value in weights.items()))
    print(f"spread {spread(judged):.4f}")
