from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import Checkpoint, SftModel
from pipeline_dsl.lang.placement import TrainingPlacement

OPTIMAL = 20.0
"""Tokens for each parameter that make the best model of a given compute: Hoffmann et al. (2022), arXiv:2203.15556, table 3."""

_FEW = 0.1
"""Share of it below which a run is reported: GPT-3, at 1.7, and Gopher, at 1.1, are what the paper called under-trained."""


class TokensFew(FactCheck):
    """A model is trained from fresh weights on far fewer tokens than would make good use of its size.

    For a given compute, about 20 tokens for each parameter are best (Hoffmann et al., 2022, arXiv:2203.15556). Reported are runs
    below a tenth of that, of a tenth of a billion parameters or more: a smaller model would be better, for the same money, and
    cheaper to serve. More than 20 is common practice for models that will be served (Llama 3 8B: 1,875) and never reported.
    """

    code = "PDSL341"
    severity = Severity.WARNING
    bad = "base = Train(data=Rows(tokens=2_000_000_000), tokens=2_000_000_000)"
    good = "base = Train(data=Rows(tokens=150_000_000_000), tokens=140_000_000_000)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            tokens: Any = getattr(stage, "tokens", None)
            if not isinstance(placed, TrainingPlacement) or not isinstance(tokens, int) or not fresh(facts, stage):
                continue
            parameters = placed.model.active_parameters
            each = tokens / parameters
            if parameters < 1e8 or each >= _FEW * OPTIMAL:
                continue
            flops = 6 * parameters * tokens
            better = (flops / (6 * OPTIMAL)) ** 0.5
            yield self.finding(
                f"{tokens:,} tokens are {each:.2g} for each of {parameters / 1e9:.1f}e9 parameters; "
                f"about {OPTIMAL:g} make the best of a run",
                at=facts.graph.argument(stage, "tokens"),
                help=f"the same compute makes a better model of {better / 1e9:.2g}e9 parameters on {OPTIMAL * better / 1e9:.2g}e9 tokens; "
                f"this model wants `tokens={round(OPTIMAL * parameters / 1e9)}_000_000_000`",
            )


def fresh(facts: Facts, stage: AnyStage) -> bool:
    """Whether a stage makes a base model and starts from no other one."""
    described = facts.graph.type(stage)
    if not issubclass(described.produces, Checkpoint):
        return False
    weights = (Checkpoint, SftModel)
    return not any(
        issubclass(wanted, weights) and getattr(stage, field.name) is not None for field in described.inputs for wanted in field.wanted
    )
