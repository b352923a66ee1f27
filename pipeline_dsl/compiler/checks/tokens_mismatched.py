from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class TokensMismatched(FactCheck):
    """Steps, rows of a step and tokens of a row do not come to the tokens that the stage declares, or its parts not to a step.

    One of them is wrong: the schedule of the learning rate then ends early or late, and the cost is another. Judged where a
    stage has `steps` as well as `tokens`; up to one step may be left over, and one in a hundred. A stage that says how many passes of
    `micro_batch` rows it accumulates (`gradient_accumulation_steps`) must come to its `batch` by them.
    """

    code = "PDSL338"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), tokens=1_000_000_000_000, steps=100_000, batch=1024)"
    good = "base = Train(data=Tokenize(corpus=Crawl()), tokens=1_000_000_000_000, steps=238_419, batch=1024)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        yield from self._accumulated(facts)
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

    def _accumulated(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement) or not placed.batch or not placed.micro_batch:
                continue
            for name in ACCUMULATED:
                passes = _count(getattr(stage, name, None))
                rows = passes * placed.micro_batch * placed.copies
                if passes and rows != placed.batch:
                    wanted, left = divmod(placed.batch, placed.micro_batch * placed.copies)
                    yield self.finding(
                        f"{placed.micro_batch} rows x {passes} passes x {placed.copies} copies are {rows:,} rows a step, "
                        f"not {placed.batch:,}",
                        at=facts.graph.argument(stage, name),
                        help=f"write `batch={rows}`" if left or not wanted else f"write `{name}={wanted}`, or `batch={rows}`",
                    )


ACCUMULATED = ("gradient_accumulation_steps", "gradient_accumulation", "grad_accumulation", "accumulation_steps", "accumulation")
"""What stages call the number of forward and backward passes before an optimizer step."""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
