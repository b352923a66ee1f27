from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.kubernetes import Bases
from pipeline_dsl.lang.stage import is_stage


class ImageMovable(ShapeCheck):
    """A cluster's settings name an image that can change under its name: by a tag, or by nothing at all.

    Whoever pushes to the tag changes what stages run in, and what serves: a stage that is tried again may run in another image than
    its first try, and a release cannot be made again. A digest is fixed. An image in a file is left alone.
    """

    code = "PDSL703"
    severity = Severity.WARNING
    bad = (
        "base = Train(data=Tokenize(corpus=Crawl()))\n"
        "pipeline = Pipeline(name='p', targets=[base], launchers=[Kubernetes(image='registry.example/pdsl:latest')])"
    )
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()))\n"
        "pipeline = Pipeline(name='p', targets=[base], launchers=[Kubernetes(image='registry.example/pdsl@sha256:' + 64 * '0')])"
    )

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for launcher in graph.pipeline.launchers:
            for path, image in dict(_images(launcher, type(launcher).__name__)).items():
                if not _fixed(image):
                    digest = "@sha256:" in image
                    why = "whose digest is not 64 hexadecimal digits" if digest else "which can change under its name"
                    yield self.finding(
                        f"`{path}` is {image!r}, {why}",
                        at=graph.pipeline_argument("launchers"),
                        help="name it by digest: `name@sha256:...`, as the registry prints it when an image is pushed",
                    )


def _images(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every image in a launcher's options: fields of that name, and all of what images are built from."""
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield from _images(item, f"{path}[{getattr(key, 'name', None) or key!r}]")
        return
    kind: type[Any] = value.__class__
    for field in attrs.fields(kind) if attrs.has(kind) and not is_stage(value) else ():
        item = getattr(value, field.name)
        if isinstance(item, str) and (field.name == "image" or kind is Bases):
            yield f"{path}.{field.name}", item
        elif not isinstance(item, str):
            yield from _images(item, f"{path}.{field.name}")


def _fixed(image: str) -> bool:
    name, _, digest = image.partition("@sha256:")
    pinned = bool(name) and len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    return pinned or image.startswith(("/", "./", "../")) or image.endswith((".sif", ".sqsh"))
