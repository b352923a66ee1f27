"""Gates: numeric questions that decide whether a run ships.

`metric("mmlu") >= baseline + 0.5` reads as it is written. Nothing but a number can be asked for.
"""

from typing import TYPE_CHECKING, Any, Literal

import attrs

from pipeline_dsl.base.span import Mark, mark

if TYPE_CHECKING:
    from pipeline_dsl.lang.stage import Ref

Better = Literal["higher", "lower"]
Unit = Literal["percent", "fraction", "nats", "nats/token", "usd", "seconds", "tokens/second"]
Family = Literal["capability", "safety", "divergence", "cost", "quality", "service", "contamination"]


@attrs.frozen(kw_only=True)
class Metric:
    """A number that a run measures: what it is counted in, and which way is good.

    `family` is what mandatory gates are stated in: a capability compared with a baseline is a regression gate.
    """

    name: str
    unit: Unit
    better: Better
    family: Family


@attrs.frozen
class Baseline:
    """The same metric of the last shipped model, moved by `delta` in the metric's unit."""

    delta: float = 0.0

    def __add__(self, delta: float) -> "Baseline":
        return Baseline(self.delta + delta)

    __radd__ = __add__

    def __sub__(self, delta: float) -> "Baseline":
        return Baseline(self.delta - delta)


baseline = Baseline()
"""What the metric was before: see `Pipeline.baseline`."""


@attrs.frozen(eq=False)
class Gate:
    """One threshold on one metric."""

    metric: str
    operator: Literal[">=", "<="]
    threshold: float | Baseline
    of: "Ref[Any] | None"
    mark: Mark | None

    def __bool__(self) -> bool:
        raise TypeError("a gate is one comparison: write `0.1 <= metric(...) <= 0.5` as two gates")

    def __str__(self) -> str:
        if isinstance(self.threshold, Baseline):
            delta = self.threshold.delta
            level = f"baseline {'+' if delta >= 0 else '-'} {abs(delta):g}" if delta else "baseline"
        else:
            level = f"{self.threshold:,g}"
        return f"{self.metric} {self.operator} {level}"


@attrs.frozen(eq=False)
class MetricRef:
    """A metric that a gate is about to be written on."""

    name: str
    of: "Ref[Any] | None"

    def __ge__(self, threshold: float | Baseline) -> Gate:
        return Gate(self.name, ">=", threshold, self.of, mark())

    def __le__(self, threshold: float | Baseline) -> Gate:
        return Gate(self.name, "<=", threshold, self.of, mark())


def metric(name: str, *, of: "Ref[Any] | None" = None) -> MetricRef:
    """The metric called `name`, to be compared with `>=` or `<=`.

    `of` names the stage that measures it, where more than one does.
    """
    return MetricRef(name, of)
