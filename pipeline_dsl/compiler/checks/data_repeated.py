from collections.abc import Iterator
from typing import Any, cast

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import Chats, Dataset, Preferences
from pipeline_dsl.lang.placement import Placement, TrainingPlacement
from pipeline_dsl.lang.stage import is_stage
from pipeline_dsl.plan.plan import leaves

MOST_EPOCHS = 4.0
"""Passes up to which repeated tokens are worth almost as much as new ones; Muennighoff et al. (2023), arXiv:2305.16264, section 6."""

MOST_TUNED = 16
"""Passes of the fine-tuning that took most: Ouyang et al. (2022), arXiv:2203.02155, appendix C.1; LIMA took 15 (arXiv:2305.11206)."""


class DataRepeated(FactCheck):
    """A model is trained on more than about four times as many tokens as its data has.

    Up to four passes, repeated tokens are worth almost as much as new ones; beyond, their worth decays, and after about sixteen
    it is gone: Muennighoff et al. (2023), "Scaling Data-Constrained Language Models", arXiv:2305.16264. The rest of the run is
    paid for and teaches the data by heart. A part of a mixture is counted with its `repeats`. Fine-tuning is reported from more
    passes on than any published recipe took: 16.
    """

    code = "PDSL340"
    severity = Severity.WARNING
    bad = "base = Train(data=Rows(tokens=100_000_000_000), tokens=1_000_000_000_000)"
    good = "base = Train(data=Rows(tokens=500_000_000_000), tokens=1_000_000_000_000)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        told: set[AnyStage] = set()
        for stage, placed in facts.placements.items():
            yield from self._epochs(facts, stage, placed)
            tokens: Any = getattr(stage, "tokens", None)
            source = _learnt_from(facts, stage)
            if source is None or not isinstance(tokens, int) or isinstance(tokens, bool):
                continue
            unique = facts.sizes[source].tokens
            if not unique or unique <= 0:
                continue
            if tokens <= MOST_EPOCHS * unique * 1.05:
                if source not in told:
                    told.add(source)
                    yield from self._mixed(facts, source, tokens / unique)
                continue
            yield self.finding(
                f"{tokens:,} tokens are {tokens / unique:,.1f} passes over the {unique:,.0f} of `{graph.names[source]}`; from about "
                "four on, they are worth less each time",
                at=graph.argument(stage, "tokens"),
                related=[("its data", graph.span(source))],
                help=f"write `tokens={round(MOST_EPOCHS * unique)}`, or find more data",
            )

    def _mixed(self, facts: Facts, source: AnyStage, passes: float) -> Iterator[Diagnostic]:
        """A part of a mixture that enters so often that the run passes over it many times."""
        repeats: Any = getattr(source, "repeats", None)
        if not isinstance(repeats, tuple | list) or not repeats:
            return
        numbers = tuple(cast("list[object]", repeats))
        times = max((float(number) for number in numbers if isinstance(number, int | float)), default=0.0)
        if times > 1 and times * passes > MOST_EPOCHS * 1.05:
            yield self.finding(
                f"{times:g} repeats in {passes:,.2g} passes over the mixture are {times * passes:,.1f} passes over one of its parts; from "
                "about four on, they are worth less each time",
                at=facts.graph.argument(source, "repeats"),
                help=f"write {MOST_EPOCHS / passes:.2g} there at most, or find more of it",
            )

    def _epochs(self, facts: Facts, stage: AnyStage, placed: Placement) -> Iterator[Diagnostic]:
        """Fine-tuning that passes over its rows more often than any published recipe; one that writes its own answers sees new ones."""
        epochs: Any = getattr(stage, "epochs", None)
        if not isinstance(placed, TrainingPlacement) or type(epochs) is not int or epochs <= MOST_TUNED or placed.model.parameters < 1e9:
            return
        edges = [edge for edge in facts.graph.inputs.get(stage, ()) if not edge.field.held_out]
        if any(issubclass(facts.graph.type(edge.producer).produces, Chats | Preferences) for edge in edges):
            yield self.finding(
                f"{epochs} passes over the same rows teach {placed.model.parameters / 1e9:.1f}e9 parameters to recite them",
                at=facts.graph.argument(stage, "epochs"),
                help="write `epochs=3`; 1 to 4 are usual, and no published recipe takes more than 16",
            )


def _learnt_from(facts: Facts, stage: AnyStage) -> AnyStage | None:
    """The one dataset that a stage learns from; None where there are several, whose mixture nobody said."""
    described = facts.graph.type(stage)
    found: list[AnyStage] = []
    for field in described.inputs:
        if not field.held_out and any(issubclass(wanted, Dataset) for wanted in field.wanted):
            found += [item for item in leaves(getattr(stage, field.name)) if is_stage(item)]
    return found[0] if len(found) == 1 and found[0] in facts.sizes else None
