"""What stages that train hold their engine to: a way of dividing a model that it does not know is refused, never ignored."""

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.parallel import Parallel

DIMENSIONS = ("tensor", "pipeline", "context", "expert")


def asked_for(parallel: Parallel) -> list[str]:
    """The ways of dividing a model that are asked for."""
    return [name for name in DIMENSIONS if getattr(parallel, name) > 1] + (["sequence"] if parallel.sequence else [])


def refuse_undivided(parallel: Parallel, known: tuple[str, ...]) -> None:
    """Raise StageFailed if a model is to be divided in a way that the engine does not know."""
    unknown = [name for name in asked_for(parallel) if name not in known]
    if unknown:
        raise StageFailed(
            f"the engine trains whole copies of the model, and was asked for {', '.join(unknown)} parallelism",
            help="leave `parallel` out and divide by `zero_stage=3`",
        )
