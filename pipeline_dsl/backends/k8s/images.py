"""Dockerfiles of what stages and servers run in."""

from collections.abc import Iterator

from pipeline_dsl.backends.k8s.serving import nodes_of
from pipeline_dsl.lang.kubernetes import Kubernetes
from pipeline_dsl.render.backend import Rendered
from pipeline_dsl.render.templates import render

_EXTRAS = {"training": "all", "evaluation": "data,eval,quantize,serve,telemetry,tracking"}
"""What each is installed with: evaluation needs neither DeepSpeed nor TRL."""


def dockerfiles(options: Kubernetes) -> Iterator[Rendered]:
    """One for stages that train, one for those that only measure, and one for the server if there is one."""
    bases = {"training": options.bases.training, "evaluation": options.bases.evaluation}
    for kind, base in bases.items():
        text = render(__package__ or "", "stage.Dockerfile.j2", kind=kind, base=base, extras=_EXTRAS[kind])
        yield Rendered(f"{kind}.Dockerfile", text)
    if options.serving is not None:
        several = nodes_of(options.serving) > 1
        yield Rendered("server.Dockerfile", render(__package__ or "", "server.Dockerfile.j2", base=options.bases.server, several=several))
