"""A measured number with what is needed to judge it."""

import math

import attrs


@attrs.frozen(kw_only=True)
class Score:
    """A mean over a sample.

    `stderr` is the standard error of the mean in the unit of `value`, None where it has no meaning (a sum, a count).
    """

    value: float
    samples: int = 1
    stderr: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% normal interval of the mean; None without a standard error."""
        if self.stderr is None:
            return None
        return self.value - 1.96 * self.stderr, self.value + 1.96 * self.stderr

    @classmethod
    def share(cls, hits: int, samples: int) -> "Score":
        """A share of hits in percent, with its binomial standard error.

        Raises: ValueError if there are no samples.
        """
        if samples <= 0:
            raise ValueError("a share of nothing has no value")
        rate = hits / samples
        return cls(value=100 * rate, samples=samples, stderr=100 * math.sqrt(rate * (1 - rate) / samples))

    @classmethod
    def mean(cls, values: "list[float]") -> "Score":
        """The mean of a sample, with its standard error (None for one value).

        Raises: ValueError if there are no values.
        """
        if not values:
            raise ValueError("the mean of nothing has no value")
        count = len(values)
        average = math.fsum(values) / count
        if count == 1:
            return cls(value=average)
        variance = math.fsum((value - average) ** 2 for value in values) / (count - 1)
        return cls(value=average, samples=count, stderr=math.sqrt(variance / count))


@attrs.frozen(kw_only=True)
class Divergence:
    """KL(policy || reference), measured on the policy's own samples.

    Units: nats. `per_sequence` is the mean over whole answers, `per_token` the mean over sampled tokens.
    """

    per_sequence: Score
    per_token: float
    estimator: str
    prompts: int
