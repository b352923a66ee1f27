"""Kubernetes: an Argo Workflow for the graph, a JobSet for each stage of several nodes, and what serves the model that ships."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.backends.k8s import objects, serving, stages
from pipeline_dsl.backends.k8s.spelling import manifest
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.backend import Backend, Rendered
from pipeline_dsl.render.templates import render

_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
_LARGEST = 1_000_000
"""Bytes of a plan that a ConfigMap holds; the API server takes 1 MiB with its names."""


class KubernetesCluster(Backend[Kubernetes]):
    """Manifests for `kubectl create`: `support.yaml` first, then `run.yaml`; `serve.yaml` once the gate let the model out."""

    name = "k8s"
    options = Kubernetes

    def render(self, plan: Plan, options: Kubernetes) -> Iterator[Rendered]:
        for name in options.stages:
            plan.stage(name)
        _check(plan, options)
        yield Rendered("support.yaml", manifest(objects.support(plan, options, plans.dump(plan))))
        run = [stages.workflow(plan, options)] if options.argo else [stages.jobset(plan, options)]
        yield Rendered("run.yaml", manifest(run))
        yield Rendered("Dockerfile", render(__package__ or "", "image.Dockerfile.j2", plan=plan))
        if options.serving is not None:
            yield Rendered("serve.yaml", manifest(serving.server(plan, options, options.serving)))


def _check(plan: Plan, options: Kubernetes) -> None:
    images = {"image": options.image} | ({"serving.image": options.serving.image} if options.serving else {})
    for field, image in images.items():
        if image is None:
            raise Unrenderable(f"Kubernetes needs `{field}`", help='name it by digest: Kubernetes(image="registry/name@sha256:...")')
        if not _DIGEST.fullmatch(image):
            raise Unrenderable(f"the image {image} can change under its name", help="name it by digest: `name@sha256:...`")
    if len(plans.dump(plan)) > _LARGEST:
        raise Unrenderable(f"the plan has {len(plans.dump(plan))} bytes, a ConfigMap holds {_LARGEST}", help="split the pipeline")
    for words in (options.command, options.settings.values(), options.secrets.keys()):
        for word in words:
            _refuse_templates(word)
    for pod in (options.pod, options.gpu, *options.stages.values()):
        for value in _texts(attrs.asdict(pod)):
            _refuse_templates(value)


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


def _refuse_templates(value: str) -> None:
    """Argo replaces `{{...}}` wherever it stands, and there is no way to write one that stays."""
    if "{{" in value:
        raise Unrenderable(
            f"{value!r} holds {{{{, which Argo Workflows would replace", help="pass it by a Secret, or from inside the image"
        )
