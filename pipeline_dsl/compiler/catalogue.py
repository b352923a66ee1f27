"""Everything that pdsl can say under a code: the checks, the faults of a file that gives no pipeline, and those of a run."""

import inspect
from functools import cache

import attrs

from pipeline_dsl.base import fault
from pipeline_dsl.base.diagnostic import Severity
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.compiler.check import Check, all_checks
from pipeline_dsl.compiler.reading import UNREADABLE, Unreadable
from pipeline_dsl.compiler.review.findings import REVIEWED
from pipeline_dsl.serving import child

PARTS = {
    "1": "reading the file",
    "2": "artifacts and types",
    "3": "graph and hardware fit",
    "4": "digests and store",
    "5": "gates and divergence",
    "6": "budget",
    "7": "backends",
    "8": "running",
    "9": "data lineage",
}
"""What a code is about, by its first digit."""


@attrs.frozen(kw_only=True)
class Entry:
    """What a code means. `bad` and `good` are pipelines for `compiler/examples.py`; a fault of a run has none."""

    code: str
    title: str
    text: str
    kind: str
    """`error` or `warning` of the compiler, `review` of a manifest, or `fault` of a run."""
    bad: str = ""
    good: str = ""

    @property
    def first_line(self) -> str:
        """The first sentence of the text, or its first line."""
        return self.text.partition("\n")[0]

    @property
    def part(self) -> str:
        """What the code is about."""
        return PARTS[self.code[4]]


@cache
def catalogue() -> dict[str, Entry]:
    """Every code with what it means, in order.

    Raises: ValueError if two classes have one code.
    """
    entries = [_compiled(kind) for kind in (*UNREADABLE, *all_checks())]
    entries += [Entry(code=kind.code, title=kind.__name__, text=inspect.getdoc(kind) or "", kind="review") for kind in REVIEWED]
    named = {**vars(fault), **vars(child)}.values()
    entries += [_fault(kind) for kind in named if isinstance(kind, type) and issubclass(kind, Fault)]
    found: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.code):
        if entry.code in found:
            raise ValueError(f"{entry.title} and {found[entry.code].title} have one code, {entry.code}")
        found[entry.code] = entry
    return found


def _compiled(kind: type[Check] | type[Unreadable]) -> Entry:
    severity = kind.severity if issubclass(kind, Check) else Severity.ERROR
    return Entry(code=kind.code, title=kind.__name__, text=inspect.getdoc(kind) or "", kind=str(severity), bad=kind.bad, good=kind.good)


def _fault(kind: type[Fault]) -> Entry:
    return Entry(code=kind.code, title=kind.__name__, text=inspect.getdoc(kind) or "", kind="fault")
