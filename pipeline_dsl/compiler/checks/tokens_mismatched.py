from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class TokensMismatched(FactCheck):
    """Steps, rows of a step and tokens of a row do not come to the tokens that the stage declares.

    One of the four is wrong: the schedule of the learning rate then ends early or late, and the cost is another. Judged where a
    stage has `steps` as well as `tokens`; up to one step may be left over, and one in a hundred.
    """

    code = "PDSL338"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), tokens=1_000_000_000_000, steps=100_000, batch=1024)"
    good = "base = Train(data=Tokenize(corpus=Crawl()), tokens=1_000_000_000_000, steps=238_419, batch=1024)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            steps, tokens = _count(getattr(stage, "steps", None)), _count(getattr(stage, "tokens", None))
            if not isinstance(placed, TrainingPlacement) or not placed.batch or not steps or not tokens:
                continue
            each = placed.batch * placed.length
            if abs(steps * each - tokens) > max(each, 0.01 * tokens):
                yield self.finding(
                    f"{steps:,} steps of {placed.batch:,} rows of {placed.length:,} tokens are {steps * each:,} tokens, not {tokens:,}",
                    at=facts.graph.argument(stage, "steps"),
                    help=f"write `steps={max(1, round(tokens / each))}`, or `tokens={steps * each}`",
                )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
