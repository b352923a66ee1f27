"""What an evaluation was told to ask, as its plan has it."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pipeline_dsl.plan.plan import PlannedStage


def tasks(stage: PlannedStage) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(metric, task) of each task that a stage declares; none for a stage that is no evaluation."""
    found: Any = stage.fields.get("tasks")
    for item in cast("list[Any]", found) if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            task = cast("Mapping[str, Any]", item)
            yield str(task.get("metric") or task.get("name")), task
