import math
from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.statistics import CORRELATION, above, difference_error, difference_to_see, examples_to_see
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.passes.evidence import held_out, is_share
from pipeline_dsl.lang.gate import Baseline, Gate
from pipeline_dsl.lang.stage import is_stage

BY_LUCK = 0.16
"""How often a model that has not changed may pass a gate that asks for more: one standard error."""

HELD_BY_LUCK = 0.25
"""How often it may be held by a gate that lets it fall: that costs a run, and not a release."""

FLIPS = 0.05
"""The share of answers that quantization to 4 bits turns, right to wrong or wrong to right; Dutta et al. (2024), arXiv:2407.09141."""

HARM = 0.05
"""The share that a safety metric is taken to be near, where no gate of the pipeline says it."""


class GateBelowNoise(FactCheck):
    """A gate asks for a change that is smaller than the noise of its own evaluation.

    The difference to the baseline has a standard error that follows from the number of examples. Judged where a suite declares
    it (`Size.examples`), for metrics that are shares, with the share at 50% (the threshold of another gate on the metric, if
    there is one; 5% for safety metrics). If both models are asked the same suite the difference is taken as paired, with a
    correlation of 0.5 between their answers; if not, as of two samples. `baseline` alone asks for no change and is not judged.

    Found on day five, a release is held, or let go, by a draw of lots: an unchanged model moved by 1.5 to 2 points over five
    greedy runs. Source: Miller (2024), "Adding Error Bars to Evals", arXiv:2411.00640, section 5.
    """

    code = "PDSL530"
    severity = Severity.WARNING
    bad = (
        "asked = Suite(examples=200)\nsft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "before = Evaluate(model=sft, suite=asked)\n"
        "after = Evaluate(model=Dpo(policy=sft, kl_budget=5), suite=asked)\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu') >= baseline + 0.5], baseline=before)"
    )
    good = (
        "asked = Suite(examples=14_042)\nsft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "before = Evaluate(model=sft, suite=asked)\n"
        "after = Evaluate(model=Dpo(policy=sft, kl_budget=5), suite=asked)\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu') >= baseline + 2.0], baseline=before)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            threshold, count = bound.gate.threshold, facts.examples.get(bound.gate)
            delta = _delta(bound)
            if bound.metric is None or count is None or delta is None:
                continue
            scale = 100.0 if bound.metric.unit == "percent" else 1.0
            change = abs(delta) / scale
            asks = (delta > 0) == (bound.gate.operator == ">=")
            if not isinstance(threshold, Baseline):
                yield from self._rounded(facts, bound, change, asks, count)
                continue
            other = _other(facts, bound)
            share = _share(facts, bound)
            error = difference_error(share, count, other)
            luck = above(change / error)
            if not change or luck <= (BY_LUCK if asks else HELD_BY_LUCK):
                continue
            needed = examples_to_see(change, share, paired=other is None)
            how = f"paired, correlation {CORRELATION:g}" if other is None else "two samples"
            unit = " points" if scale > 1 else ""
            yield self.finding(
                f"`{bound.gate}` on at most {count:,} examples is below their noise: the difference has a standard error of "
                f"{scale * error:.2g}{unit} ({how}), and an unchanged model is {'let through' if asks else 'held'} {luck:.0%} of the time",
                at=bound.gate.mark.span() if bound.gate.mark else None,
                related=[("measured here", facts.graph.span(bound.stages[0]))],
                help=f"seeing {scale * change:g}{unit} takes about {needed:,} examples (95% confidence, 80% power); "
                f"with {count:,}, write at least {scale * difference_to_see(error):.2g}",
            )

    def _rounded(self, facts: Facts, bound: Bound, change: float, asks: bool, count: int) -> Iterator[Diagnostic]:
        """A bound on what quantization may cost: both models answer the same documents, and few answers change."""
        error = math.sqrt(FLIPS / count)
        luck = above(change / error)
        if not change or luck <= (BY_LUCK if asks else HELD_BY_LUCK):
            return
        yield self.finding(
            f"`{bound.gate}` on at most {count:,} examples is below their noise: the difference has a standard error of "
            f"{100 * error:.2g} points, and a model that lost nothing is {'let through' if asks else 'held'} {luck:.0%} of the time",
            at=bound.gate.mark.span() if bound.gate.mark else None,
            related=[("measured here", facts.graph.span(bound.stages[0]))],
            help=f"ask about {math.ceil(FLIPS / change**2):,} documents (`documents=` of the stage), or allow {100 * error:.2g} points",
        )


def _delta(bound: Bound) -> float | None:
    """The change that a gate bounds, in the metric's unit: from the baseline, or of a metric that is a change itself; None for others."""
    threshold = bound.gate.threshold
    if isinstance(threshold, Baseline):
        return threshold.delta if is_share(bound) else None
    changes = bound.metric is not None and bound.metric.name.endswith("_delta") and bound.metric.unit == "percent"
    return float(threshold) if changes else None


def _other(facts: Facts, bound: Bound) -> int | None:
    """How many examples the baseline was asked, if those were others; None if they were the same, or may have been."""
    stage: Any = facts.graph.pipeline.baseline
    if not is_stage(stage):
        return None
    ours, theirs = held_out(facts.graph, bound.stages[0]), held_out(facts.graph, stage)
    if len(ours) != 1 or len(theirs) != 1 or facts.same(ours[0], theirs[0]):
        return None
    return facts.sizes[theirs[0]].examples


def _share(facts: Facts, bound: Bound) -> float:
    metric = bound.metric
    scale = 100.0 if metric and metric.unit == "percent" else 1.0
    said = [
        float(other.gate.threshold) / scale
        for other in facts.gates
        if isinstance(other.gate, Gate) and other.gate.metric == bound.gate.metric and isinstance(other.gate.threshold, int | float)
    ]
    likely = [share for share in said if 0 < share < 1]
    if likely:
        return likely[0]
    return HARM if metric and metric.family == "safety" else 0.5
