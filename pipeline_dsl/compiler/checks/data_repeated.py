from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import Dataset
from pipeline_dsl.lang.stage import is_stage
from pipeline_dsl.plan.plan import leaves

MOST_EPOCHS = 4.0
"""Passes up to which repeated tokens are worth almost as much as new ones; Muennighoff et al. (2023), arXiv:2305.16264, section 6."""


class DataRepeated(FactCheck):
    """A model is trained on more than about four times as many tokens as its data has.

    Up to four passes, repeated tokens are worth almost as much as new ones; beyond, their worth decays, and after about sixteen
    it is gone: Muennighoff et al. (2023), "Scaling Data-Constrained Language Models", arXiv:2305.16264. The rest of the run is
    paid for and teaches the data by heart.
    """

    code = "PDSL340"
    severity = Severity.WARNING
    bad = "base = Train(data=Rows(tokens=100_000_000_000), tokens=1_000_000_000_000)"
    good = "base = Train(data=Rows(tokens=500_000_000_000), tokens=1_000_000_000_000)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in facts.placements:
            tokens: Any = getattr(stage, "tokens", None)
            source = _learnt_from(facts, stage)
            if source is None or not isinstance(tokens, int) or isinstance(tokens, bool):
                continue
            unique = facts.sizes[source].tokens
            if not unique or unique <= 0 or tokens <= MOST_EPOCHS * unique * 1.05:
                continue
            yield self.finding(
                f"{tokens:,} tokens are {tokens / unique:,.1f} passes over the {unique:,.0f} of `{graph.names[source]}`; from about "
                "four on, they are worth less each time",
                at=graph.argument(stage, "tokens"),
                related=[("its data", graph.span(source))],
                help=f"write `tokens={round(MOST_EPOCHS * unique)}`, or find more data",
            )


def _learnt_from(facts: Facts, stage: AnyStage) -> AnyStage | None:
    """The one dataset that a stage learns from; None where there are several, whose mixture nobody said."""
    described = facts.graph.type(stage)
    found: list[AnyStage] = []
    for field in described.inputs:
        if not field.held_out and any(issubclass(wanted, Dataset) for wanted in field.wanted):
            found += [item for item in leaves(getattr(stage, field.name)) if is_stage(item)]
    return found[0] if len(found) == 1 and found[0] in facts.sizes else None
