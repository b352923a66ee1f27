"""Stages as pods: a container each, in an Argo Workflow; a JobSet where a stage takes several nodes, or where there is no Argo."""

from typing import Any

import attrs

from pipeline_dsl.backends.k8s.objects import CONTAINER_SECURITY, PLAN_FOLDER, RUNNER, STORE, VOLUME, labels, metadata, plan_name
from pipeline_dsl.backends.k8s.spelling import embedded, label, literal
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.store.layout import tail

_PORT = 29_500
_STOP = "/tmp/pdsl-stop"
_GRACE = 120
"""Seconds between the request to stop and the end: time for a checkpoint."""

_FINAL = (1, 2, 3, 4)
"""Exit codes that trying again does not change: a refused plan, a held gate, a digest that does not match."""

_MOST_PARENTS = 5
"""Of one job of a JobSet, by its schema."""

_GATE = 'manifest=$("$@" stage manifest --plan "$PDSL_PLAN" --store "$PDSL_STORE") && exec "$@" gate "$manifest" --store "$PDSL_STORE"'


def workflow(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The whole graph as an Argo Workflow. A stage that fails keeps what depends on it from starting; others go on."""
    tasks = [_task(stage) for stage in plan.stages]
    tasks.append({"name": "gate", "template": "gate", "depends": " && ".join(f"{label(stage.name)}.Succeeded" for stage in plan.stages)})
    templates: list[dict[str, Any]] = [{"name": "main", "dag": {"failFast": False, "tasks": tasks}}]
    templates += [_template(plan, stage, options) for stage in plan.stages]
    templates.append(_gate(plan, options))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": _generated(plan, options),
        "spec": {
            "entrypoint": "main",
            "serviceAccountName": RUNNER,
            "ttlStrategy": {"secondsAfterCompletion": options.kept},
            "podGC": {"strategy": "OnWorkflowSuccess"},
            "podMetadata": {"labels": labels(plan)},
            "templates": templates,
        },
    }


def jobset(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The whole graph as one JobSet, for clusters without Argo: a job a stage, each after its parents' are complete."""
    jobs: list[dict[str, Any]] = []
    for stage in plan.stages:
        job = _replicated(plan, stage, options, name=label(stage.name))
        parents = _last(plan, stage)
        if len(parents) > _MOST_PARENTS:
            raise Unrenderable(
                f"`{stage.name}` waits for {len(parents)} stages, a JobSet's job for {_MOST_PARENTS} at most", help="use Argo"
            )
        if parents:
            job["dependsOn"] = [{"name": label(parent), "status": "Complete"} for parent in parents]
        jobs.append(job)
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": _generated(plan, options),
        "spec": {**_policy(options), "replicatedJobs": jobs},
    }


def _last(plan: Plan, stage: PlannedStage) -> list[str]:
    """The parents of a stage that no other parent waits for: when they are complete, all are."""
    parents = set(stage.parents)
    before = plan.ancestors({grandparent for parent in parents for grandparent in plan.stage(parent).parents})
    return sorted(parents - before)


def _generated(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    found = metadata(plan, options, "")
    del found["name"]
    return {"generateName": f"{label(plan.pipeline, tail(plan.digest)[:8])}-", **found}


def _task(stage: PlannedStage) -> dict[str, Any]:
    task: dict[str, Any] = {"name": label(stage.name), "template": label(stage.name)}
    parents = sorted(set(stage.parents))
    if parents:
        task["depends"] = " && ".join(f"{label(parent)}.Succeeded" for parent in parents)
    return task


def _template(plan: Plan, stage: PlannedStage, options: Kubernetes) -> dict[str, Any]:
    asked = settled(options, stage)
    if stage.nodes > 1:
        return {
            "name": label(stage.name),
            "resource": {
                "action": "create",
                "setOwnerReference": True,
                "successCondition": "status.terminalState == Completed",
                "failureCondition": "status.terminalState == Failed",
                "manifest": embedded(_stage_jobset(plan, stage, options)),
            },
        }
    template: dict[str, Any] = {
        "name": label(stage.name),
        "retryStrategy": {
            "limit": str(options.retries),
            "retryPolicy": "Always",
            "expression": f"asInt(lastRetry.exitCode) not in {list(_FINAL)}",
            "backoff": {"duration": "30s", "factor": "2", "maxDuration": "10m"},
        },
        "metadata": {"labels": labels(plan, stage=label(stage.name))},
        "securityContext": _POD_SECURITY,
        "container": _container(plan, stage, options, asked),
        "volumes": _volumes(plan, asked),
        **_placement(asked),
    }
    if asked.seconds is not None:
        template["activeDeadlineSeconds"] = asked.seconds
    return template


def _gate(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The end: the manifest, and the verdict. It exits with 3 where the run is held, and the Workflow has failed."""
    command = ["sh", "-c", _GATE, "gate", *map(literal, options.command)]
    env = [
        {"name": "PDSL_PLAN", "value": f"{PLAN_FOLDER}/plan.json"},
        {"name": "PDSL_STORE", "value": STORE},
        {"name": "HOME", "value": "/tmp"},
    ]
    small = {"cpu": "1", "memory": "2Gi"}
    return {
        "name": "gate",
        "metadata": {"labels": labels(plan, stage="gate")},
        "securityContext": _POD_SECURITY,
        "container": {
            "name": "main",
            "image": options.image,
            "command": command,
            "env": env,
            "resources": {"requests": small, "limits": {"memory": small["memory"]}},
            "securityContext": CONTAINER_SECURITY,
            "volumeMounts": _MOUNTS,
        },
        "volumes": _volumes(plan, Pod()),
    }


def _stage_jobset(plan: Plan, stage: PlannedStage, options: Kubernetes) -> dict[str, Any]:
    found = metadata(plan, options, "", stage=label(stage.name))
    del found["name"]
    if options.queue is not None:
        found["labels"]["kueue.x-k8s.io/queue-name"] = options.queue
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"generateName": f"{label(plan.pipeline, stage.name)}-", **found},
        "spec": {**_policy(options), "replicatedJobs": [_replicated(plan, stage, options, name="node")]},
    }


def _policy(options: Kubernetes) -> dict[str, Any]:
    """A lost node restarts the group, which goes on from its checkpoint; a stage that says that trying again is no use fails it."""
    rules = [
        {"name": "final", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]},
        {"name": "disruption", "action": "RestartJobSetAndIgnoreMaxRestarts", "onJobFailureMessagePatterns": [".*DisruptionTarget.*"]},
    ]
    return {
        "ttlSecondsAfterFinished": options.kept,
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "failurePolicy": {"maxRestarts": options.retries, "rules": rules},
    }


def _replicated(plan: Plan, stage: PlannedStage, options: Kubernetes, *, name: str) -> dict[str, Any]:
    asked = settled(options, stage)
    container = _container(plan, stage, options, asked)
    if stage.nodes > 1:
        container["env"] = [*container["env"], *_meeting(stage, name)]
        container["ports"] = [{"name": "rendezvous", "containerPort": _PORT}]
    meta: dict[str, Any] = {"labels": labels(plan, stage=label(stage.name))}
    if asked.topology is not None:
        meta["annotations"] = {"kueue.x-k8s.io/podset-required-topology": asked.topology}
    job: dict[str, Any] = {
        "parallelism": stage.nodes,
        "completions": stage.nodes,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [{"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": list(_FINAL)}}]
        },
        "template": {
            "metadata": meta,
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": _GRACE + 30,
                "securityContext": _POD_SECURITY,
                "containers": [container],
                "volumes": _volumes(plan, asked),
                **_placement(asked),
            },
        },
    }
    if asked.seconds is not None:
        job["activeDeadlineSeconds"] = asked.seconds
    return {"name": name, "replicas": 1, "template": {"spec": job}}


def _meeting(stage: PlannedStage, job: str) -> list[dict[str, Any]]:
    """How the pods of a stage find each other: by the JobSet's own name, which it gives them as a label."""
    name = {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/jobset-name']"}}
    attempt = {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/restart-attempt']"}}
    return [
        {"name": "JOBSET_NAME", "valueFrom": name},
        {"name": "JOBSET_ATTEMPT", "valueFrom": attempt},
        {"name": "PDSL_NODES", "value": str(stage.nodes)},
        {"name": "PDSL_NODE", "value": "JOB_COMPLETION_INDEX"},
        {"name": "PDSL_RENDEZVOUS", "value": f"$(JOBSET_NAME)-{job}-0-0.$(JOBSET_NAME):{_PORT}"},
        {"name": "PDSL_ATTEMPT", "value": "$(JOBSET_NAME).$(JOBSET_ATTEMPT)"},
    ]


def _container(plan: Plan, stage: PlannedStage, options: Kubernetes, asked: Pod) -> dict[str, Any]:
    cores = max(1, stage.cores // stage.nodes)
    where = ["--plan", f"{PLAN_FOLDER}/plan.json", "--store", STORE, "--threads", str(cores)]
    env: list[dict[str, Any]] = [{"name": "HOME", "value": "/tmp"}, {"name": "PDSL_STOP", "value": _STOP}]
    env += [{"name": name, "value": literal(value)} for name, value in options.settings.items()]
    env += [{"name": name, "valueFrom": {"secretKeyRef": {"name": of, "key": key}}} for name, (of, key) in options.secrets.items()]
    return {
        "name": "main",
        "image": options.image,
        "command": [*map(literal, options.command), "stage", "run", stage.name, *where],
        "env": env,
        # Before the container is ended, training is asked for a checkpoint; the hook ends with it.
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f": > {_STOP}; sleep {_GRACE}"]}}},
        "resources": _resources(stage, options, asked, cores),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [*_MOUNTS, *([{"name": "shm", "mountPath": "/dev/shm"}] if asked.shared_memory else [])],
    }


def _resources(stage: PlannedStage, options: Kubernetes, asked: Pod, cores: int) -> dict[str, Any]:
    limits: dict[str, str] = {}
    if stage.accelerated:
        limits[options.gpu_resource] = str(stage.devices // stage.nodes)
    limits |= dict.fromkeys(asked.network or (), "1")
    if asked.memory is not None:
        limits["memory"] = asked.memory
    return {"requests": {"cpu": asked.cpu or str(cores), **limits}, "limits": limits}


def _volumes(plan: Plan, asked: Pod) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "artifacts", "persistentVolumeClaim": {"claimName": VOLUME}},
        {"name": "plan", "configMap": {"name": plan_name(plan)}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if asked.shared_memory is not None:
        volumes.append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": asked.shared_memory}})
    return volumes


def _placement(asked: Pod) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.node_selector:
        found["nodeSelector"] = dict(asked.node_selector)
    if asked.tolerations:
        found["tolerations"] = [
            {name: value for name, value in attrs.asdict(toleration).items() if value is not None} for toleration in asked.tolerations
        ]
    if asked.priority is not None:
        found["priorityClassName"] = asked.priority
    return found


def settled(options: Kubernetes, stage: PlannedStage) -> Pod:
    """What a stage's pod asks for: the narrowest setting that says something."""
    layers = [options.pod, options.gpu if stage.accelerated else None, options.stages.get(stage.name)]
    chosen: dict[str, Any] = {}
    for layer in layers:
        if layer is not None:
            chosen |= {name: value for name, value in attrs.asdict(layer, recurse=False).items() if value is not None}
    return Pod(**chosen)


_POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}

_MOUNTS: list[dict[str, Any]] = [
    {"name": "artifacts", "mountPath": "/artifacts"},
    {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
    {"name": "tmp", "mountPath": "/tmp"},
]
