"""What stages stand on: a service account and its rights, a volume that all pods share, the plan."""

from typing import Any

from pipeline_dsl.backends.k8s.spelling import label
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import tail

RUNNER = "pdsl-runner"
VOLUME = "pdsl-artifacts"
STORE = "/artifacts/store"
PLAN_FOLDER = "/etc/pdsl"

CONTAINER_SECURITY: dict[str, Any] = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
"""Of every container that we render: it cannot become root, and writes to its volumes only."""


def plan_name(plan: Plan) -> str:
    """The ConfigMap that holds the plan: another plan, another name, so that nothing that runs is changed under it."""
    return label(plan.pipeline, "plan", tail(plan.digest)[:8])


def labels(plan: Plan, **more: str) -> dict[str, str]:
    """What every object is found by."""
    return {"app.kubernetes.io/managed-by": "pdsl", "pdsl.dev/pipeline": label(plan.pipeline)} | {
        f"pdsl.dev/{name}": value for name, value in more.items()
    }


def metadata(plan: Plan, options: Kubernetes, name: str, **more: str) -> dict[str, Any]:
    """Name, labels and the plan's digest; a digest is too long for a label, so it is an annotation."""
    return {
        "name": name,
        "namespace": options.namespace,
        "labels": labels(plan, **more),
        "annotations": {"pdsl.dev/plan-digest": plan.digest},
    }


def support(plan: Plan, options: Kubernetes, text: str) -> list[dict[str, Any]]:
    """The objects that are there before a run."""
    rules = [
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]},
        {"apiGroups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": ["create", "get", "list", "watch", "delete", "patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]},
    ]
    claim: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": options.storage}}}
    if options.storage_class is not None:
        claim["storageClassName"] = options.storage_class
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RUNNER}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(plan, options, RUNNER)},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata(plan, options, RUNNER), "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata(plan, options, RUNNER),
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": RUNNER, "namespace": options.namespace}],
        },
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(plan, options, VOLUME), "spec": claim},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(plan, options, plan_name(plan)),
            "immutable": True,
            "data": {"plan.json": text},
        },
    ]
