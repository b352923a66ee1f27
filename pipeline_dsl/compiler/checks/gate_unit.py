from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline, Metric


class GateUnit(FactCheck):
    """A threshold cannot be in the unit of its metric: a share above one, a percentage below one.

    Benchmarks are in percent (0 to 100), rates in fractions (0 to 1).
    """

    code = "PDSL504"
    bad = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= 0.7])"
    )
    good = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= 70])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if bound.metric is None:
                continue
            threshold = bound.gate.threshold
            if isinstance(threshold, Baseline):
                fault = _relative(threshold.delta, bound.metric)
            else:
                fault = _absolute(threshold, bound.metric) or _empty(bound.gate.operator, threshold, bound.metric)
            if fault:
                yield self.finding(fault[0], at=bound.gate.mark.span() if bound.gate.mark else None, help=fault[1])


def _absolute(level: float, metric: Metric) -> tuple[str, str] | None:
    if metric.unit == "fraction" and not 0 <= level <= 1:
        return f"`{metric.name}` is a fraction from 0 to 1, not {level:g}", f"write {level / 100:g}" if 1 < level <= 100 else ""
    if metric.unit == "percent" and metric.family != "quality":
        if not 0 <= level <= 100:
            return f"`{metric.name}` is in percent, from 0 to 100, not {level:g}", ""
        if 0 < level < 1 and metric.family != "contamination":  # whose limits are tenths of a percent
            return f"`{metric.name}` is in percent: {level:g} is less than one in a hundred", f"write {100 * level:g}"
    if metric.unit in ("usd", "nats", "nats/token", "seconds") and level < 0:
        return f"`{metric.name}` is never negative", "write what is allowed at most, a number above 0"
    return None


def _empty(operator: str, level: float, metric: Metric) -> tuple[str, str] | None:
    """A threshold that every value passes, or next to every one."""
    most = {"fraction": 1.0, "percent": 100.0}.get(metric.unit)
    if most is None or metric.name.endswith("_delta"):
        return None
    if (operator == ">=" and level <= 0) or (operator == "<=" and level >= most):
        return f"every value of `{metric.name}` passes {operator} {level:g}", _TIGHTER
    if metric.family == "safety" and operator == "<=" and level > 0.8 * most:  # half is asked of what was never made safe
        return f"`{metric.name}` of up to {level:g} passes a model that fails four times in five", _TIGHTER
    if metric.family == "contamination" and operator == "<=" and level > most / 100:
        return f"`{metric.name}` of up to {level:g} lets contaminated data through", f"write {most / 1000:g}: one document in a thousand"
    return None


_HALF = {"fraction": 0.5, "percent": 50.0}
_TIGHTER = "ask for what the last release reached, or better"


def _relative(delta: float, metric: Metric) -> tuple[str, str] | None:
    if metric.unit == "fraction" and abs(delta) > 1:
        return f"`{metric.name}` is a fraction: it cannot move by {delta:g}", f"write {delta / 100:g}"
    if metric.better == "higher" and metric.unit in _HALF and metric.family != "quality" and delta <= -_HALF[metric.unit]:
        return f"`{metric.name}` may fall by {-delta:g} from its baseline, which next to every model passes", _TIGHTER
    if metric.unit == "percent" and abs(delta) > 100:
        return f"`{metric.name}` is in percent: it cannot move by {delta:g}", ""
    return None
