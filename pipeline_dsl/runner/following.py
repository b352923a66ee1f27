"""The further machines of a stage: they lend processes to the one that runs it, and end as it ends."""

import json
import time
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import Exit, Fault
from pipeline_dsl.ml.launch import FOLDER, JOB, start_agent
from pipeline_dsl.ml.nodes import Nodes
from pipeline_dsl.ml.rank import write_whole
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.stage import resolved
from pipeline_dsl.store.store import Store

_TICK = 0.2


def follow(plan: Plan, name: str, store: Store, group: Nodes) -> int:
    """Join every launch of a stage that another machine runs, until it is done; returns the exit code of that stage.

    Raises: Unresolved if a parent is not done; DigestMismatch.
    """
    _, key = resolved(plan, plan.stage(name), store)
    folder = store.layout.stage(key)
    place = folder / "scratch" / FOLDER
    joined = 0
    while True:
        if store.record(key) is not None:
            return int(Exit.OK)
        ended = _read(_farewell(folder))
        if ended.get("attempt") == group.attempt:
            return int(ended["code"])
        job = _read(place / JOB)
        if job and job["nodes"]["attempt"] == group.attempt and job["serial"] != joined:
            joined = job["serial"]
            start_agent(place, threads=job["threads"], node=group.number)
        time.sleep(_TICK)


def dismiss(plan: Plan, name: str, store: Store, group: Nodes, code: int) -> None:
    """Tell the machines that follow how the stage ended; one that is done they see in the store."""
    if code == int(Exit.OK):
        return
    try:
        _, key = resolved(plan, plan.stage(name), store)
    except Fault:  # they find the same, and end by it
        return
    folder = store.layout.stage(key)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(_farewell(folder), {"attempt": group.attempt, "code": code})


def _farewell(folder: Path) -> Path:
    return folder / "ended.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or being replaced
        return {}
    return found
