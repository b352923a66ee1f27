"""What a check is: a class with a code, an explanation, a bad and a good example, and a judgement.

The examples are run by a test and shown by `pdsl explain`; both use the short stage types of `compiler/examples.py`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import ClassVar, TypeVar

from pipeline_dsl.base.diagnostic import Diagnostic, Related, Severity
from pipeline_dsl.base.discover import subclasses
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.allowances import Settled
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import Graph


class Check:
    """One kind of finding. Its docstring is what `pdsl explain` prints."""

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    bad: ClassVar[str]
    good: ClassVar[str]

    def finding(
        self,
        message: str,
        *,
        at: Span | None,
        label: str = "",
        related: Sequence[tuple[str, Span]] = (),
        help: str = "",
    ) -> Diagnostic:
        """One finding of this check."""
        places = tuple(Related(text, span) for text, span in related)
        return Diagnostic(self.code, message, at, label, places, help, self.severity)


class ShapeCheck(Check):
    """A check of the bare graph: whatever it finds keeps the passes from running."""

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        """What is wrong with the shape of the pipeline."""
        raise NotImplementedError


class FactCheck(Check):
    """A check of what the passes derived."""

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        """What is wrong with the pipeline."""
        raise NotImplementedError


class AllowanceCheck(Check):
    """A check of the comments that allow warnings, once all others have run."""

    def run(self, settled: Settled) -> Iterator[Diagnostic]:
        """What is wrong with the comments."""
        raise NotImplementedError


C = TypeVar("C", bound=Check)


def checks(kind: type[C]) -> tuple[type[C], ...]:
    """Every check of a kind."""
    return tuple(check for check in _found() if issubclass(check, kind))


@cache
def _found() -> tuple[type[Check], ...]:
    """Every check that there is: its folder is looked through once a process."""
    from pipeline_dsl.compiler import checks as package  # it imports this module

    return subclasses(package, Check)


def all_checks() -> tuple[type[Check], ...]:
    """Every check of every kind."""
    return *checks(ShapeCheck), *checks(FactCheck), *checks(AllowanceCheck)


def warnings() -> tuple[type[Check], ...]:
    """The checks whose findings can be allowed: warnings about the pipeline, not about comments."""
    return tuple(check for check in all_checks() if check.severity is Severity.WARNING and not issubclass(check, AllowanceCheck))
