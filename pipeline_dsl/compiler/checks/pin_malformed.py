import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class PinMalformed(ShapeCheck):
    """A pinned digest is no digest, so nothing could ever match it."""

    code = "PDSL411"
    bad = "web = Crawl(pin='9f3c12')\npipeline = Pipeline(name='p', targets=[web])"
    good = f"web = Crawl(pin='sha256:{'0' * 64}')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            if isinstance(stage.pin, str) and not _DIGEST(stage.pin):
                yield self.finding(
                    f"{stage.pin!r} is no digest",
                    at=graph.argument(stage, "pin"),
                    help="write `sha256:` and 64 hexadecimal digits, as `pdsl store ls` prints them",
                )


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
