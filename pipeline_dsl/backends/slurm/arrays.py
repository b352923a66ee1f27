"""Which stages are one sweep: alike but for their fields, and so one array of jobs in place of many.

What each waits for must be sayable for the whole array at once: the same stages for all, or for each its own element of another
array (`aftercorr`), as where every seed is pre-trained, fine-tuned and judged.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import attrs

from pipeline_dsl.plan.plan import Plan, PlannedStage

LARGEST = 1000
"""Elements of one array: what Slurm takes unless its MaxArraySize says otherwise."""


@attrs.frozen
class Array:
    """Stages by their index in it. An element that waits for one of another array has that one's index."""

    name: str
    members: Mapping[int, str]


def sweeps(plan: Plan, alike: Callable[[PlannedStage], Hashable]) -> list[Array]:
    """Every stage, alone or with those that are its like by `alike`, in an order in which they can be submitted."""
    depth: dict[str, int] = {}
    for stage in plan.stages:
        depth[stage.name] = 1 + max((depth[parent] for parent in stage.parents), default=0)
    found: list[Array] = []
    place: dict[str, tuple[str, int]] = {}
    for level in range(1, max(depth.values(), default=0) + 1):
        buckets: dict[Hashable, list[tuple[int | None, str]]] = defaultdict(list)
        for stage in plan.stages:
            if depth[stage.name] == level:
                awaited = tuple(sorted({place[parent][0] if parent in place else parent for parent in stage.parents}))
                own = {place[parent][1] for parent in stage.parents if parent in place}
                alone = stage.name if len(own) > 1 else ""  # it joins several elements
                buckets[alike(stage), awaited, alone].append((min(own) if own else None, stage.name))
        for members in (part for bucket in buckets.values() for part in _parts(bucket)):
            array = Array(f"{next(iter(members.values()))}.array", members)
            found.append(array)
            if len(members) > 1:
                place |= {name: (array.name, index) for index, name in members.items()}
    return found


def _parts(members: Sequence[tuple[int | None, str]]) -> Iterator[dict[int, str]]:
    """Arrays of stages that are alike, each index once in an array."""
    parts: list[dict[int, str]] = []
    for number, (own, name) in enumerate(members):
        index = number % LARGEST if own is None else own
        free = next((part for part in parts if index not in part), None)
        if free is None:
            parts.append(free := {})
        free[index] = name
    yield from parts
