"""What stages stand on: a service account and its rights, a volume that all pods share, the plan."""

from typing import Any

from pipeline_dsl.backends.k8s.spelling import label
from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import tail

RUNNER = "pdsl-runner"
VOLUME = "pdsl-artifacts"
STORE = "/artifacts/store"
PLAN_FOLDER = "/etc/pdsl"
AUTHOR = "PDSL_AUTHOR"

PLAN_LABEL = "pdsl.dev/plan"
"""On all that belongs to one plan, pods too: what `pdsl status` looks for, and `pdsl cancel` deletes."""
STAGE_LABEL = "pdsl.dev/stage"

CONTAINER_SECURITY: dict[str, Any] = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
"""Of every container that we render: it cannot become root, and writes to its volumes only."""

POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "fsGroupChangePolicy": "OnRootMismatch",  # or each pod walks through the whole store before it starts
    "seccompProfile": {"type": "RuntimeDefault"},
}

_OURS = {"app.kubernetes.io/managed-by": "pdsl"}


def plan_name(plan: Plan) -> str:
    """The ConfigMap that holds the plan: another text, another name, so that nothing that runs is changed under it."""
    return _name(plan, plans.dump(plan))


def author_name(plan: Plan) -> str:
    """The ConfigMap that says who submitted a plan. Only `pdsl submit` makes one, so that no rendered file names anybody."""
    return label(plan.pipeline, "author", tail(plan.digest)[:8])


def author(plan: Plan, options: Kubernetes, name: str) -> dict[str, Any]:
    """That ConfigMap, for somebody called `name`."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(plan, options, author_name(plan)), "data": {AUTHOR: name}}


def _name(plan: Plan, text: str) -> str:
    return label(plan.pipeline, "plan", tail(digest_bytes(text.encode()))[:8])


def labels(plan: Plan, **more: str) -> dict[str, str]:
    """What every object of a plan is found by."""
    own = {"pdsl.dev/pipeline": label(plan.pipeline), PLAN_LABEL: tail(plan.digest)[:12]}
    return _OURS | own | {f"pdsl.dev/{name}": value for name, value in more.items()}


def metadata(plan: Plan, options: Kubernetes, name: str, **more: str) -> dict[str, Any]:
    """Name, labels and the plan's digest; a digest is too long for a label, so it is an annotation."""
    return {
        "name": name,
        "namespace": options.namespace,
        "labels": labels(plan, **more),
        "annotations": {"pdsl.dev/plan-digest": plan.digest},
    }


def generated(plan: Plan, options: Kubernetes, prefix: str, **more: str) -> dict[str, Any]:
    """The same for an object that the API server gives a name that begins with `prefix`."""
    found = metadata(plan, options, "", **more)
    del found["name"]
    return {"generateName": f"{prefix}-", **found}


def support(plan: Plan, options: Kubernetes) -> list[dict[str, Any]]:
    """The objects that are there before a run. All pipelines of a namespace share the first ones, which no plan's labels are on."""
    rules = [
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]},
        {"apiGroups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": ["create", "get", "list", "watch", "delete", "patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]},
    ]
    claim: dict[str, Any] = {"accessModes": [options.access], "resources": {"requests": {"storage": options.storage}}}
    if options.storage_class is not None:
        claim["storageClassName"] = options.storage_class
    text = plans.dump(plan)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RUNNER}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _shared(options, RUNNER)},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": _shared(options, RUNNER), "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": _shared(options, RUNNER),
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": RUNNER, "namespace": options.namespace}],
        },
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _shared(options, VOLUME), "spec": claim},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(plan, options, _name(plan, text)),
            "immutable": True,
            "data": {"plan.json": text},
        },
    ]


def _shared(options: Kubernetes, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": options.namespace, "labels": dict(_OURS)}
