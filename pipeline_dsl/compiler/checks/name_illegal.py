import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class NameIllegal(ShapeCheck):
    """A name cannot be used on every backend.

    A legal one has at most 48 lower-case letters, digits, `-` and `_`, and begins and ends with a letter or a digit: what file
    systems, Slurm job names and Kubernetes object names (RFC 1123 labels, with room for a suffix) all take.
    """

    code = "PDSL302"
    bad = "web = Crawl(name='Web crawl')\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(name='web-crawl')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage, name in graph.names.items():
            if isinstance(name, str) and not _LEGAL(name):
                told = f"{name!r} is no name for a stage" if stage.name else f"{name!r}, after its type, is no name for a stage"
                yield self.finding(told, at=graph.argument(stage, "name"), help=_ADVICE if stage.name else f"give it a `name=`; {_ADVICE}")
        name = graph.pipeline.name
        if isinstance(name, str) and not _LEGAL(name):
            yield self.finding(f"{name!r} is no name for a pipeline", at=graph.pipeline_argument("name"), help=_ADVICE)


_ADVICE = "use up to 48 lower-case letters, digits, `-` and `_`, with a letter or digit at both ends"
_LEGAL = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,46}[a-z0-9])?").fullmatch
