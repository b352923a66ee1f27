"""Kubernetes: an Argo Workflow for the graph, a JobSet for each stage of several nodes, and what serves the model that ships."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.backends.k8s import jobsets, objects, serving, workflow
from pipeline_dsl.backends.k8s.cluster import KubernetesObjects
from pipeline_dsl.backends.k8s.images import dockerfiles
from pipeline_dsl.backends.k8s.pods import GATE
from pipeline_dsl.backends.k8s.spelling import label, manifest
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.kubernetes import NAMESPACE, Kubernetes
from pipeline_dsl.lang.launcher import VARIABLE
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.backend import Backend, Rendered

_LARGEST = {"support.yaml": 1_000_000, "run.yaml": 1_400_000}
"""Bytes of one object in each file: a ConfigMap holds 1 MiB with its names, the API server's store 1.5 MiB of anything else."""


_MOST_STAGES = 198
"""Of a Workflow: it takes 200 templates, of which one is the graph and one the gate."""


class KubernetesCluster(Backend[Kubernetes]):
    """Manifests for `kubectl create`: `support.yaml` first, then `run.yaml`; `serve.yaml` once the gate let the model out."""

    name = "k8s"
    options = Kubernetes

    def render(self, plan: Plan, options: Kubernetes) -> Iterator[Rendered]:
        for name in options.stages:
            plan.stage(name)
        _check(plan, options)
        if options.argo and len(plan.stages) > _MOST_STAGES:
            raise Unrenderable(
                f"the pipeline has {len(plan.stages):,} stages, an Argo Workflow takes {_MOST_STAGES}",
                help="write argo=False for one JobSet of all stages, or split the pipeline",
            )
        yield _sized("support.yaml", objects.support(plan, options))
        yield _sized("run.yaml", [workflow.workflow(plan, options) if options.argo else jobsets.jobset(plan, options)])
        if options.serving is not None:
            yield Rendered("serve.yaml", manifest(serving.server(plan, options, options.serving)))
        yield from dockerfiles(options)

    def cluster(self) -> KubernetesObjects:
        return KubernetesObjects()


def _sized(path: str, found: list[dict[str, Any]]) -> Rendered:
    """Objects as a file.

    Raises: Unrenderable if one of them is larger than the API server stores.
    """
    texts = [manifest([each]) for each in found]
    for each, text in zip(found, texts, strict=True):
        if len(text.encode()) > _LARGEST[path]:
            raise Unrenderable(
                f"the {each['kind']} has {len(text.encode()):,} bytes, Kubernetes takes {_LARGEST[path]:,} of one object",
                help="split the pipeline",
            )
    return Rendered(path, "".join(texts))


def _check(plan: Plan, options: Kubernetes) -> None:
    if options.image is None:
        raise Unrenderable("Kubernetes needs `image`", help='name it by digest: Kubernetes(image="registry/name@sha256:...")')
    if not NAMESPACE.fullmatch(options.namespace):
        raise Unrenderable(f"{options.namespace!r} is no name of a namespace", help="use lower-case letters, digits and `-`")
    for name in (*options.settings, *options.secrets):
        if not VARIABLE.fullmatch(name):
            raise Unrenderable(f"{name!r} is no name of a variable", help="use letters, digits and `_`")
    _check_names(plan)
    pods = [attrs.asdict(pod) for pod in (options.pod, options.gpu, *options.stages.values())]
    for value in _texts([options.image, options.command, options.settings, options.gpu_resource, options.queue, pods]):
        _check_text(value)


def _check_names(plan: Plan) -> None:
    """Hold stages to names that stay different: `_` becomes `-` there, and two names are taken.

    Raises: Unrenderable.
    """
    taken = {workflow.ENTRY: "the graph", GATE: "the gate"}
    for stage in plan.stages:
        name = label(stage.name)
        if name in taken:
            raise Unrenderable(
                f"`{stage.name}` would be called `{name}` on Kubernetes, as {taken[name]} is", help="give it another `name=`"
            )
        taken[name] = f"`{stage.name}`"


def _texts(value: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in cast("Mapping[str, Any]", value).items():
            yield from _texts(list(pair))
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _check_text(value: str) -> None:
    """Argo replaces `{{...}}` wherever it stands, and there is no way to write one that stays; no variable holds a NUL."""
    if "{{" in value:
        raise Unrenderable(
            f"{value!r} holds {{{{, which Argo Workflows would replace", help="pass it by a Secret, or from inside the image"
        )
    if "\0" in value:
        raise Unrenderable(f"{value!r} holds a NUL, which no command line can carry")
