import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.checks.revision_movable import REVISIONS
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import PINS, said
from pipeline_dsl.lang.artifacts import Source

PLACES = ("repository", "repo", "repo_id", "url", "uri")
"""Fields that say where something lies that others may change."""

HUB = ("dataset", "dataset_name", "dataset_id", "model_id", "model_name", "model_name_or_path", "pretrained", "hub_id", "path")
"""Fields that do so where they hold `owner/name` and the stage has a revision to give."""


class SourceUnpinned(FactCheck):
    """Something is taken from a repository or an address, and nothing says which version of it.

    It may be another one tomorrow, and nobody will know which one a model was made from. A source is pinned by `revision`,
    `digest` or `sha256`, or by the stage's own `pin`: the digest that its artifact must have.
    """

    code = "PDSL241"
    severity = Severity.WARNING
    bad = "web = Crawl(url='https://hub.example/text')"
    good = "web = Crawl(url='https://hub.example/text', revision='0123456789abcdef0123456789abcdef01234567')"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in graph.order:
            values = stage.__dict__
            could = issubclass(graph.type(stage).produces, Source) or any(name in values for name in PINS)
            if not could or stage.pin or graph.inputs.get(stage) or any(values.get(name) not in (None, "") for name in PINS):
                continue
            hub = HUB if any(name in values for name in REVISIONS) else ()
            for name in (*PLACES, *hub):
                value = said(stage, name, str) if name in values else None
                if value and not _FIXED(value) and (name in PLACES or _HUB(value)):
                    yield self.finding(
                        f"nothing says which version of {value!r} is meant",
                        at=graph.argument(stage, name),
                        help="add the commit as `revision=`, or the digest of the files",
                    )
                    break


_FIXED = re.compile(r"[0-9a-f]{40}").search
_HUB = re.compile(r"[\w-][\w.-]*/[\w.-]+").fullmatch
