"""Submitting to Kubernetes, and reading what it says, by `kubectl`. What runs is found by the plan's label: nothing is kept here."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline_dsl.backends.k8s.jobsets import job_name
from pipeline_dsl.backends.k8s.kubectl import Object, ask, call, found
from pipeline_dsl.backends.k8s.objects import AUTHOR, PLAN_LABEL, STAGE_LABEL, author, labels
from pipeline_dsl.backends.k8s.pods import GATE
from pipeline_dsl.backends.k8s.spelling import label, manifest
from pipeline_dsl.backends.k8s.states import Seen, node_of, of_jobset, of_workflow
from pipeline_dsl.base.fault import ClusterFailed
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.render.cluster import Cluster, Job, live
from pipeline_dsl.render.generate import PLAN
from pipeline_dsl.render.known import backend

_PATIENCE = 90.0
"""Seconds that cancelled pods get to be gone."""
_GRACE = 30
"""Of which so many to end by themselves; there is no time for a checkpoint, but half-written files are thrown away."""

_OBJECTS = "run.yaml"
_SUBMITTER = "author.yaml"
_JOBSETS = "jobsets.jobset.x-k8s.io"
_WORKFLOWS = "workflows.argoproj.io"


class KubernetesObjects(Cluster):
    """One Workflow, or one JobSet, a plan; its stages' states are those of its nodes and pods."""

    own_store = True

    def submit(self, folder: Path, *, done: Sequence[str], environment: Mapping[str, str], dry_run: bool) -> str:
        run = _Run(folder)
        (folder / _SUBMITTER).write_text(manifest([author(run.plan, run.options, environment[AUTHOR])]), encoding="utf-8")
        before, create = _apply(folder / "support.yaml", folder / _SUBMITTER), ["create", "--filename", str(folder / _OBJECTS)]
        tried = "".join(ask(run.namespace, *words, "--dry-run=server") for words in (before, create))
        if dry_run:
            commands = "".join(f"kubectl --namespace {run.namespace} {' '.join(words)}\n" for words in (before, create))
            return commands + tried
        made = ask(run.namespace, *before)
        try:
            made += ask(run.namespace, *create)
        except ClusterFailed:
            call(run.namespace, "delete", "configmap", "--selector", run.selector, "--ignore-not-found")
            raise
        where = call(run.namespace, "config", "current-context").stdout.strip()
        after = folder / "serve.yaml"
        hint = f"once the gate says SHIP: kubectl {' '.join(_apply(after))}\n" if after.exists() else ""
        return f"in namespace {run.namespace}{f' of {where}' if where else ''}:\n{made}{hint}"

    def jobs(self, folder: Path) -> list[Job]:
        if not (folder / _OBJECTS).exists():
            return []
        run = _Run(folder)
        seen = run.seen()
        if seen is None:
            return []
        stages = [*(stage.name for stage in run.plan.stages), GATE]
        if run.kind == "Workflow":
            return [of_workflow(seen, stage, label(stage)) for stage in stages]
        return [of_jobset(seen, stage, label(stage), job_name(stage)) for stage in stages]

    def log(self, folder: Path, stage: str) -> Path | None:
        return self.node_log(folder, stage, 0)

    def node_log(self, folder: Path, stage: str, node: int) -> Path | None:
        if not (folder / _OBJECTS).exists():
            return None
        run = _Run(folder)
        pods = found(run.namespace, ["pods"], f"{run.selector},{STAGE_LABEL}={label(stage)}")
        own = [pod["metadata"]["name"] for pod in pods if node_of(pod) == node]
        if not own:
            return None
        file = folder / "logs" / (f"{stage}-{node}.log" if node else f"{stage}.log")
        file.parent.mkdir(exist_ok=True)
        file.write_text(ask(run.namespace, "logs", own[-1], "--container", "main"), encoding="utf-8")
        return file

    def cancel(self, folder: Path) -> list[Job]:
        ended = live(self.jobs(folder))
        if not ended:
            return []
        run = _Run(folder)
        own = ["--selector", run.selector, "--ignore-not-found", "--wait=false"]
        ask(run.namespace, "delete", f"{','.join(run.kinds)},configmaps", *own)
        until = time.monotonic() + _PATIENCE
        while pods := found(run.namespace, ["pods"], run.selector):
            if time.monotonic() > until:
                names = ", ".join(pod["metadata"]["name"] for pod in pods)
                raise ClusterFailed(f"{names} still run {_PATIENCE:.0f} s after they were deleted", help="look at `kubectl get pods`")
            if any("deletionTimestamp" not in pod["metadata"] for pod in pods):  # nothing makes new ones: what owned them is gone
                ask(run.namespace, "delete", "pods", *own, f"--grace-period={_GRACE}")
            time.sleep(1.0)
        return ended


class _Run:
    """What a folder's plan says of the run that it was submitted as."""

    def __init__(self, folder: Path) -> None:
        self.plan = plans.read(folder / PLAN)
        self.options: Kubernetes = backend(Kubernetes.backend).given(self.plan)
        self.namespace = self.options.namespace
        self.selector = f"{PLAN_LABEL}={labels(self.plan)[PLAN_LABEL]}"
        self.kind = "Workflow" if self.options.argo else "JobSet"
        several = any(stage.nodes > 1 for stage in self.plan.stages)
        self.kinds = [_JOBSETS] if not self.options.argo else [_WORKFLOWS, _JOBSETS] if several else [_WORKFLOWS]

    def seen(self) -> Seen | None:
        """What is there of it; of several runs, the newest."""
        there = found(self.namespace, [*self.kinds, "pods"], self.selector)
        runs = [each for each in there if each["kind"] == self.kind]
        if not runs:
            return None
        name = runs[-1]["metadata"]["name"]
        jobsets = [each for each in there if each["kind"] == "JobSet" and _owned(each, name)]
        jobs = {jobset["metadata"]["name"] for jobset in jobsets}
        pods = [each for each in there if each["kind"] == "Pod" and _belongs(each, {name, *jobs})]
        return Seen(runs[-1], jobsets, pods)


def _owned(jobset: Object, run: str) -> bool:
    return any(owner["name"] == run for owner in jobset["metadata"].get("ownerReferences", ()))


def _belongs(pod: Object, names: set[str]) -> bool:
    """Whether a pod is of a Workflow or of a JobSet with one of these names, and not of an earlier run of the same plan."""
    carried = pod["metadata"].get("labels", {})
    return carried.get("workflows.argoproj.io/workflow") in names or carried.get("jobset.sigs.k8s.io/jobset-name") in names


def _apply(*files: Path) -> list[str]:
    """Server-side, since a ConfigMap is too large for what `kubectl apply` would write onto it; twice is as good as once."""
    named = [word for file in files for word in ("--filename", str(file))]
    return ["apply", "--server-side", "--field-manager=pdsl", *named]
