"""A stage as a container: what it is called with, what it may take, where it may run."""

from typing import Any

import attrs

from pipeline_dsl.backends.k8s.objects import AUTHOR, CONTAINER_SECURITY, PLAN_FOLDER, STORE, VOLUME, author_name, plan_name
from pipeline_dsl.backends.k8s.spelling import literal
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod
from pipeline_dsl.plan.plan import Plan, PlannedStage

_STOP = "/tmp/pdsl-stop"
_GRACE = 120
"""Seconds between the request to stop and the end: time for a checkpoint."""
PATIENCE = _GRACE + 30
"""Seconds that a pod gets to end."""

GATE = "gate"
"""What comes after all stages: the manifest, and the verdict."""

FINAL = (1, 2, 3, 4)
"""Exit codes that trying again does not change: a refused plan, a wrong command, a held gate, a digest that does not match."""

_MANIFEST = 'manifest=$("$@" stage manifest --plan "$PDSL_PLAN" --store "$PDSL_STORE") && echo "$manifest"'
_VERDICT = ' && exec "$@" gate "$manifest" --store "$PDSL_STORE"'


def stage_container(plan: Plan, stage: PlannedStage, options: Kubernetes, asked: Pod) -> dict[str, Any]:
    """The one container of a stage's pod."""
    cores = max(1, stage.cores // stage.nodes)
    where = ["--plan", f"{PLAN_FOLDER}/plan.json", "--store", STORE, "--threads", str(cores)]
    return {
        "name": "main",
        "image": asked.image or options.image,
        "command": [*map(literal, options.command), "stage", "run", stage.name, *where],
        "env": [*_environment(plan, options), {"name": "PDSL_STOP", "value": _STOP}],
        # Before the container is ended, training is asked for a checkpoint; the hook ends with it.
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f": > {_STOP}; sleep {_GRACE}"]}}},
        "resources": _resources(stage, options, asked, cores),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [*_MOUNTS, *([{"name": "shm", "mountPath": "/dev/shm"}] if asked.shared_memory else [])],
    }


def gate_container(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The end: the manifest, and the verdict. It exits with 3 where the run is held."""
    script = _MANIFEST + (_VERDICT if plan.gates else "")
    env = [*_environment(plan, options), {"name": "PDSL_PLAN", "value": f"{PLAN_FOLDER}/plan.json"}, {"name": "PDSL_STORE", "value": STORE}]
    memory = {"memory": "2Gi"}
    return {
        "name": "main",
        "image": options.image,
        "command": ["sh", "-c", literal(script), GATE, *map(literal, options.command)],
        "env": env,
        "resources": {"requests": {"cpu": "500m", **memory}, "limits": memory},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": _MOUNTS,
    }


def waiting_container(options: Kubernetes) -> dict[str, Any]:
    """One that ends at once: its job is to come after others."""
    asked = {"cpu": "100m", "memory": "64Mi"}
    return {
        "name": "main",
        "image": options.image,
        "command": ["true"],
        "resources": {"requests": asked, "limits": {"memory": asked["memory"]}},
        "securityContext": CONTAINER_SECURITY,
    }


def volumes(plan: Plan) -> list[dict[str, Any]]:
    """What every pod has mounted."""
    return [
        {"name": "artifacts", "persistentVolumeClaim": {"claimName": VOLUME}},
        {"name": "plan", "configMap": {"name": plan_name(plan)}},
        {"name": "tmp", "emptyDir": {}},
    ]


def own_volumes(asked: Pod) -> list[dict[str, Any]]:
    """What one stage's pod has beside it."""
    if asked.shared_memory is None:
        return []
    return [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": asked.shared_memory}}]


def placement(asked: Pod) -> dict[str, Any]:
    """Where a pod may run, and before whom."""
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
    """What a stage's pod asks for."""
    return narrowest(options.pod, options.gpu if stage.accelerated else None, options.stages.get(stage.name))


def narrowest(*layers: Pod | None) -> Pod:
    """Of settings from the widest on, each field from the last that says something."""
    chosen: dict[str, Any] = {}
    for layer in layers:
        if layer is not None:
            chosen |= {name: value for name, value in attrs.asdict(layer, recurse=False).items() if value is not None}
    return Pod(**chosen)


def _environment(plan: Plan, options: Kubernetes) -> list[dict[str, Any]]:
    """The root is read-only, and nobody promises a home: caches go to the pod's own folder.

    Who submitted the plan is looked up when a pod starts; without `pdsl submit` nobody said so, and the pod starts all the same.
    """
    submitter = {"configMapKeyRef": {"name": author_name(plan), "key": AUTHOR, "optional": True}}
    env: list[dict[str, Any]] = [{"name": "HOME", "value": "/tmp"}, {"name": "LOGNAME", "value": "pdsl"}]
    env.append({"name": AUTHOR, "valueFrom": submitter})
    env += [{"name": name, "value": literal(value)} for name, value in options.settings.items()]
    return env + [{"name": name, "valueFrom": {"secretKeyRef": {"name": of, "key": key}}} for name, (of, key) in options.secrets.items()]


def _resources(stage: PlannedStage, options: Kubernetes, asked: Pod, cores: int) -> dict[str, Any]:
    limits: dict[str, str] = {}
    if stage.accelerated:
        limits[options.gpu_resource] = str(stage.devices // stage.nodes)
    limits |= dict.fromkeys(asked.network or (), "1")
    if asked.memory is not None:
        limits["memory"] = asked.memory
    return {"requests": {"cpu": asked.cpu or str(cores), **limits}, "limits": limits}


_MOUNTS: list[dict[str, Any]] = [
    {"name": "artifacts", "mountPath": "/artifacts"},
    {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
    {"name": "tmp", "mountPath": "/tmp"},
]
