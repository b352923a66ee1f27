"""The stages of a run whose artifacts are let out."""

from collections.abc import Mapping

from pipeline_dsl.gates.verdict import Run
from pipeline_dsl.store.record import Record

ARTIFACT, MODEL = "artifact", "model"


def shipped(run: Run, records: Mapping[str, Record]) -> dict[str, str]:
    """The stages that made what ships, as far as they are done: `artifact` is what the plan names; `model` the model in it, which is
    another stage's artifact where the plan ships a server, and itself otherwise. Empty for a run that ships nothing.

    Raises: DigestMismatch or MissingArtifact, for a tree that is damaged or gone.
    """
    record = records.get(run.plan.ships or "")
    if record is None or run.plan.ships is None:
        return {}
    tree = run.store.tree(record.output)
    if tree.kind != "server_spec":
        return {ARTIFACT: run.plan.ships, MODEL: run.plan.ships}
    ancestors = run.plan.ancestors({run.plan.ships})
    served = tree.meta.get("model")
    found = [name for name, other in records.items() if name in ancestors and other.output == served]
    return {ARTIFACT: run.plan.ships, **({MODEL: found[0]} if found else {})}
