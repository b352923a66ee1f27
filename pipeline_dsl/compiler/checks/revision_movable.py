import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import PINS, said

REVISIONS = ("revision", "commit", "version", "ref", "branch")
MOVABLE = frozenset({"main", "master", "latest", "head", "dev", "develop", "nightly", "trunk", "*"})
"""Names that mean another content every time somebody pushes."""


class RevisionMovable(FactCheck):
    """Something is taken from elsewhere at a revision that moves: `main`, `latest`, a branch.

    Whoever owns it changes what the pipeline makes without a word in the pipeline: a re-run differs, a release cannot be made again,
    and the digest of the definition, which a cache is asked by, says that nothing changed. A commit is fixed; so is a name beside
    the sha256 of what it must be.
    """

    code = "PDSL240"
    bad = "web = Crawl(url='https://hub.example/text', revision='main')"
    good = "web = Crawl(url='https://hub.example/text', revision='0123456789abcdef0123456789abcdef01234567')"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in graph.order:
            if stage.pin or graph.inputs.get(stage):
                continue
            values = stage.__dict__
            if any(isinstance(values.get(name), str) and values[name] for name in PINS if name not in REVISIONS):
                continue
            told = [(name, value) for name in REVISIONS if name in values and (value := said(stage, name, str))]
            if any(_COMMIT(value) for _, value in told):
                continue
            for name, value in told:
                if _moves(name, value):
                    yield self.finding(
                        f"`{name}` is {value!r}, which moves",
                        at=graph.argument(stage, name),
                        help="write the commit that it stands for now, in full, such as `git ls-remote` prints it",
                    )


_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}").fullmatch


def _moves(name: str, value: str) -> bool:
    """Whether a field's value names another content from day to day: a branch does, whatever it is called."""
    if name == "version":
        return value in ("latest", "*")
    return name == "branch" or value.lower() in MOVABLE or value.startswith("refs/heads/")
