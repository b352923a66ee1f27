"""What a cluster's objects say of a stage: whether it waits, runs or is over, and why, in the cluster's own words."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.backends.k8s.kubectl import Object
from pipeline_dsl.backends.k8s.objects import STAGE_LABEL
from pipeline_dsl.render.cluster import Job, State

_INDEX = "batch.kubernetes.io/job-completion-index"
_PARENT = "a stage before it failed"

_CODES: Mapping[int, str] = {
    1: "refused, exit 1",
    2: "a wrong command, exit 2",
    3: "HOLD, exit 3",
    4: "a digest does not match, exit 4",
    5: "the stage failed, exit 5",
    70: "a fault of pdsl, exit 70",
    137: "killed, exit 137",
}

_PHASES: Mapping[str, State] = {
    "Pending": "waiting",
    "Running": "running",
    "Succeeded": "done",
    "Skipped": "done",
    "Failed": "failed",
    "Error": "failed",
    "Omitted": "cancelled",
}
"""Of a node of an Argo Workflow."""


@attrs.frozen
class Seen:
    """What was found of one run: the object that is the graph, the JobSets of its stages, and all pods, oldest first."""

    run: Object
    jobsets: list[Object]
    pods: list[Object]


def node_of(pod: Object) -> int:
    """Which node of its stage a pod is."""
    meta = pod["metadata"]
    said = meta.get("labels", {}).get(_INDEX, meta.get("annotations", {}).get(_INDEX, "0"))
    return int(said)


def of_workflow(seen: Seen, stage: str, label: str) -> Job:
    """A stage of an Argo Workflow."""
    status = seen.run.get("status", {})
    node = _nodes(status).get(label)
    pods = [pod for pod in seen.pods if _labelled(pod, label)]
    over = status.get("phase") in ("Succeeded", "Failed", "Error")
    if node is None:
        return _job(seen, stage, pods, "cancelled" if over else "waiting", _PARENT if over else "")
    state, told = _PHASES.get(node.get("phase", ""), "unknown"), str(node.get("message", ""))
    if state == "cancelled":
        return _job(seen, stage, pods, state, _PARENT)
    held = [jobset for jobset in seen.jobsets if _labelled(jobset, label)]
    outlived = bool(held) and not held[-1].get("status", {}).get("terminalState")  # by the pod that waited for it, which was lost
    if state in ("waiting", "running") or outlived:
        return _unfinished(seen, stage, pods, held[-1] if held else None, told if state == "waiting" else "")
    return _job(seen, stage, pods, state, (why_ended(pods) or told) if state == "failed" else "")


def of_jobset(seen: Seen, stage: str, label: str, job: str) -> Job:
    """A stage of a JobSet that is the whole graph."""
    status = seen.run.get("status", {})
    counts = {each["name"]: each for each in status.get("replicatedJobsStatus", [])}.get(job, {})
    pods = [pod for pod in seen.pods if _labelled(pod, label)]
    if counts.get("succeeded"):
        return _job(seen, stage, pods, "done", "")
    if status.get("terminalState"):
        ended = bool(counts.get("failed")) or bool(why_ended(pods))
        return _job(seen, stage, pods, "failed" if ended else "cancelled", why_ended(pods) if ended else _PARENT)
    return _unfinished(seen, stage, pods, seen.run, "")


def why_ended(pods: Iterable[Object]) -> str:
    """Why the newest of a stage's pods that failed did so; of several that failed together, the one that says most."""
    failed = [pod for pod in pods if pod.get("status", {}).get("phase") == "Failed"]
    told = [_failure(pod) for pod in reversed(failed)]
    return next((text for text in told if text), "")


def _unfinished(seen: Seen, stage: str, pods: list[Object], jobset: Object | None, told: str) -> Job:
    """A stage that is not over: it runs if one of its pods does, else the first pod that cannot start says why."""
    alive = [pod for pod in pods if pod.get("status", {}).get("phase", "Pending") in ("Pending", "Running")]
    stuck = next((reason for pod in alive if (reason := _obstacle(pod))), "")
    if any(pod["status"].get("phase") == "Running" for pod in alive if "status" in pod) and not stuck:
        restarts = (jobset or {}).get("status", {}).get("restarts", 0)
        again = len([pod for pod in pods if node_of(pod) == 0]) - 1 if jobset is None else restarts
        return _job(seen, stage, pods, "running", f"try {again + 1}" if again > 0 else "")
    suspended = jobset is not None and jobset.get("spec", {}).get("suspend", False)
    return _job(seen, stage, pods, "waiting", "its queue has not let it in" if suspended else stuck or told)


def _job(seen: Seen, stage: str, pods: list[Object], state: State, reason: str) -> Job:
    """Called by its newest pod, or by the run where it has none yet."""
    number = pods[-1]["metadata"]["name"] if pods else seen.run["metadata"]["name"]
    return Job(stage=stage, number=number, state=state, reason=reason)


def _nodes(status: Object) -> dict[str, Object]:
    """The nodes of a Workflow that are its graph's tasks, by the task's name; Argo compresses them where they are many."""
    nodes = status.get("nodes")
    if nodes is None and "compressedNodes" in status:
        nodes = json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
    found: dict[str, Object] = {}
    for node in cast("dict[str, Object]", nodes or {}).values():
        if node.get("name", "").count(".") == 1 and "(" not in node.get("displayName", ""):  # workflow.task, and not one of its tries
            found[node["displayName"]] = node
    return found


def _labelled(found: Object, label: str) -> bool:
    return found["metadata"].get("labels", {}).get(STAGE_LABEL) == label


def _obstacle(pod: Object) -> str:
    """Why a pod's container does not start, where something keeps it from it."""
    status: Any = pod.get("status", {})
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason", "") not in ("", "ContainerCreating", "PodInitializing"):
            return _joined(waiting["reason"], waiting.get("message", ""))
    if status.get("phase", "Pending") == "Pending":
        for condition in status.get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return _joined(condition.get("reason", ""), condition.get("message", ""))
    return ""


def _failure(pod: Object) -> str:
    """Why a pod failed."""
    status: Any = pod["status"]
    if status.get("reason"):  # Evicted, DeadlineExceeded, NodeLost, Preempting
        return _joined(status["reason"], status.get("message", ""))
    for container in sorted(status.get("containerStatuses", ()), key=lambda each: each.get("name") != "main"):
        ended: Any = container.get("state", {}).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            return "OOMKilled: it took more than its memory limit"
        if ended.get("exitCode"):
            code = int(ended["exitCode"])
            return _CODES.get(code, f"exit {code}")
    for condition in status.get("conditions", ()):
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            return _joined(condition.get("reason", ""), condition.get("message", ""))
    return ""


def _joined(reason: str, message: str) -> str:
    text = " ".join(message.split())
    return f"{reason}: {text}" if reason and text else reason or text
