"""Stages as jobs of a JobSet: one that takes several nodes, or the whole graph where there is no Argo."""

from typing import Any

from pipeline_dsl.backends.k8s.objects import POD_SECURITY, generated, labels
from pipeline_dsl.backends.k8s.pods import (
    FINAL,
    GATE,
    PATIENCE,
    gate_container,
    own_volumes,
    placement,
    settled,
    stage_container,
    volumes,
    waiting_container,
)
from pipeline_dsl.backends.k8s.spelling import label
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.store.layout import tail

_PORT = 29_500
_ATTEMPT = "metadata.labels['jobset.sigs.k8s.io/restart-attempt']"
_NAME = "metadata.labels['jobset.sigs.k8s.io/jobset-name']"

_MOST_PARENTS = 5
"""Of one job of a JobSet, by its schema."""

_SHORT = 22
"""Of the JobSet's own name without its random end, and of a job's: a pod is called by both, and a host's name has 63 characters."""

_LONG = 36
"""Of the name of a JobSet with one job called `node`, with as many pods as there are nodes."""


def stage_jobset(plan: Plan, stage: PlannedStage, options: Kubernetes, mounted: list[dict[str, Any]]) -> dict[str, Any]:
    """One stage of several nodes; `mounted` are the volumes of every pod."""
    meta = generated(plan, options, label(plan.pipeline, stage.name, longest=_LONG), stage=label(stage.name))
    if options.queue is not None:
        meta["labels"]["kueue.x-k8s.io/queue-name"] = options.queue
    job = _stage_job(plan, stage, options, mounted, name="node")
    return _jobset(meta, options, [job])


def jobset(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The whole graph, for clusters without Argo: a job a stage, each after its parents' are complete, and the gate after all."""
    jobs: list[dict[str, Any]] = []
    mounted = volumes(plan)
    for stage in plan.stages:
        parents = _nearest(plan, set(stage.parents))
        jobs += _after(plan, options, _stage_job(plan, stage, options, mounted, name=job_name(stage.name)), parents)
    gate = _job(plan, GATE, gate_container(plan, options), Pod(), mounted, name=GATE, nodes=1)
    jobs += _after(plan, options, gate, _nearest(plan, {stage.name for stage in plan.stages}))
    return _jobset(generated(plan, options, label(plan.pipeline, tail(plan.digest)[:8], longest=_SHORT)), options, jobs)


def job_name(stage: str) -> str:
    """What a stage's job is called in the JobSet of the whole graph."""
    return label(stage, longest=_SHORT)


def _jobset(meta: dict[str, Any], options: Kubernetes, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """A lost node restarts the group, which goes on from its checkpoint; a stage that says that trying again is no use fails it.

    Both end a Job by its pods' failure policy; what ended it stands in its message. The first rule that fits decides.
    """
    by_policy = {"onJobFailureReasons": ["PodFailurePolicy"]}
    lost = {"action": "RestartJobSetAndIgnoreMaxRestarts", "onJobFailureMessagePatterns": [".*DisruptionTarget.*"]}
    rules = [{"name": "disruption", **lost, **by_policy}, {"name": "final", "action": "FailJobSet", **by_policy}]
    spec = {
        "ttlSecondsAfterFinished": options.kept,
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "failurePolicy": {"maxRestarts": options.retries, "rules": rules},
        "replicatedJobs": jobs,
    }
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": meta, "spec": spec}


def _after(plan: Plan, options: Kubernetes, job: dict[str, Any], parents: list[str]) -> list[dict[str, Any]]:
    """A job that waits for its parents; behind jobs that only wait, where there are more parents than one job can have."""
    waits: list[dict[str, Any]] = []
    names = [job_name(parent) for parent in parents]
    while len(names) > _MOST_PARENTS:
        name = label(job["name"], f"w{len(waits) + 1}", longest=_SHORT)
        waits.append(_job(plan, "wait", waiting_container(options), Pod(), [], name=name, nodes=1) | _depends(names[:_MOST_PARENTS]))
        names = [*names[_MOST_PARENTS:], name]
    return [*waits, job | _depends(names)]


def _depends(names: list[str]) -> dict[str, Any]:
    return {"dependsOn": [{"name": name, "status": "Complete"} for name in names]} if names else {}


def _nearest(plan: Plan, parents: set[str]) -> list[str]:
    """The stages among `parents` that no other of them waits for: when they are complete, all are."""
    before = plan.ancestors({grandparent for parent in parents for grandparent in plan.stage(parent).parents})
    return sorted(parents - before)


def _stage_job(plan: Plan, stage: PlannedStage, options: Kubernetes, mounted: list[dict[str, Any]], *, name: str) -> dict[str, Any]:
    asked = settled(options, stage)
    container = stage_container(plan, stage, options, asked)
    if stage.nodes > 1:
        container["env"] = [*container["env"], *_meeting(stage, name)]
        container["ports"] = [{"name": "rendezvous", "containerPort": _PORT}]
    return _job(plan, label(stage.name), container, asked, mounted, name=name, nodes=stage.nodes)


def _job(
    plan: Plan, stage: str, container: dict[str, Any], asked: Pod, mounted: list[dict[str, Any]], *, name: str, nodes: int
) -> dict[str, Any]:
    own = labels(plan, stage=stage)
    meta: dict[str, Any] = {"labels": own}
    if asked.topology is not None:
        meta["annotations"] = {"kueue.x-k8s.io/podset-required-topology": asked.topology}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": PATIENCE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [*mounted, *own_volumes(asked)],
        **placement(asked),
    }
    codes = {"containerName": "main", "operator": "In", "values": list(FINAL)}
    rules: list[dict[str, Any]] = [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": codes},
    ]
    job: dict[str, Any] = {
        "parallelism": nodes,
        "completions": nodes,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": rules},
        "template": {"metadata": meta, "spec": pod},
    }
    if asked.seconds is not None:
        job["activeDeadlineSeconds"] = asked.seconds
    return {"name": name, "replicas": 1, "template": {"metadata": {"labels": own}, "spec": job}}


def _meeting(stage: PlannedStage, job: str) -> list[dict[str, Any]]:
    """How the pods of a stage find each other: by the JobSet's own name, which it gives them as a label."""
    return [
        {"name": "JOBSET_NAME", "valueFrom": {"fieldRef": {"fieldPath": _NAME}}},
        {"name": "JOBSET_ATTEMPT", "valueFrom": {"fieldRef": {"fieldPath": _ATTEMPT}}},
        {"name": "PDSL_NODES", "value": str(stage.nodes)},
        {"name": "PDSL_NODE", "value": "JOB_COMPLETION_INDEX"},
        {"name": "PDSL_RENDEZVOUS", "value": f"$(JOBSET_NAME)-{job}-0-0.$(JOBSET_NAME):{_PORT}"},
        {"name": "PDSL_ATTEMPT", "value": "$(JOBSET_NAME).$(JOBSET_ATTEMPT)"},
    ]
