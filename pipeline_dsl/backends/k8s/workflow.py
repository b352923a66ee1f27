"""The graph as an Argo Workflow: a container each stage, a JobSet where a stage takes several nodes."""

import json
from typing import Any

from pipeline_dsl.backends.k8s.jobsets import stage_jobset
from pipeline_dsl.backends.k8s.objects import POD_SECURITY, RUNNER, STAGE_LABEL, generated, labels
from pipeline_dsl.backends.k8s.pods import FINAL, GATE, PATIENCE, gate_container, own_volumes, placement, settled, stage_container, volumes
from pipeline_dsl.backends.k8s.spelling import carried, embedded, label
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.store.layout import tail

ENTRY = "pdsl"
"""The template that is the graph."""


def workflow(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The whole graph. A stage that fails keeps what depends on it from starting; others go on.

    What all pods have alike is said once, for the whole Workflow: the API server takes no object of more than 1.5 MB.
    """
    tasks = [_task(label(stage.name), stage.parents) for stage in plan.stages]
    tasks.append(_task(GATE, last(plan)))
    templates: list[dict[str, Any]] = [{"name": ENTRY, "dag": {"failFast": False, "tasks": tasks}}]
    mounted = volumes(plan)
    templates += [_template(plan, stage, options, mounted) for stage in plan.stages]
    templates.append(_pod(GATE, gate_container(plan, options), options))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": generated(plan, options, label(plan.pipeline, tail(plan.digest)[:8])),
        "spec": {
            "entrypoint": ENTRY,
            "serviceAccountName": RUNNER,
            "ttlStrategy": {"secondsAfterCompletion": options.kept},
            "podMetadata": {"labels": labels(plan)},
            "podSpecPatch": json.dumps({"terminationGracePeriodSeconds": PATIENCE, "enableServiceLinks": False}),
            "securityContext": POD_SECURITY,
            "volumes": mounted,
            "templates": templates,
        },
    }


def last(plan: Plan) -> list[str]:
    """The stages that no other waits for: when they are done, all are."""
    waited = {parent for stage in plan.stages for parent in stage.parents}
    return [stage.name for stage in plan.stages if stage.name not in waited]


def _task(name: str, parents: Any) -> dict[str, Any]:
    task: dict[str, Any] = {"name": name, "template": name}
    needed = sorted({label(parent) for parent in parents})
    if needed:
        task["depends"] = " && ".join(f"{parent}.Succeeded" for parent in needed)
    return task


def _template(plan: Plan, stage: PlannedStage, options: Kubernetes, mounted: list[dict[str, Any]]) -> dict[str, Any]:
    name, asked = label(stage.name), settled(options, stage)
    if stage.nodes > 1:
        return {
            "name": name,
            # Of the pod that waits for the JobSet: one that is lost makes another, whose stage finds what the first one did.
            "retryStrategy": {"limit": str(options.retries), "retryPolicy": "OnError"},
            "resource": {
                "action": "create",
                "setOwnerReference": True,
                "successCondition": "status.terminalState == Completed",
                "failureCondition": "status.terminalState == Failed",
                "manifest": carried(embedded(stage_jobset(plan, stage, options, mounted))),
            },
        }
    template = _pod(name, stage_container(plan, stage, options, asked), options)
    if own_volumes(asked):
        template["volumes"] = own_volumes(asked)
    template |= placement(asked)
    if asked.seconds is not None:
        template["activeDeadlineSeconds"] = asked.seconds
    return template


def _pod(name: str, container: dict[str, Any], options: Kubernetes) -> dict[str, Any]:
    """A pod that is tried again, unless it said by its exit code that this is no use; -1 stands for a pod that is gone.

    There is no `maxDuration` for the waiting: Argo counts it from the first try's start, so that it would end a long stage.
    """
    final = f"asInt(lastRetry.exitCode) < {FINAL[0]} || asInt(lastRetry.exitCode) > {FINAL[-1]}"
    return {
        "name": name,
        "retryStrategy": {
            "limit": str(options.retries),
            "retryPolicy": "Always",
            "expression": final,
            "backoff": {"duration": "30s", "factor": "2", "cap": "10m"},
        },
        "metadata": {"labels": {STAGE_LABEL: name}},
        "container": container,
    }
