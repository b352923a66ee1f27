"""What the compiler says about a declaration: a value, collected with the others and printed once."""

from enum import StrEnum

import attrs

from pipeline_dsl.base.span import Span


class Severity(StrEnum):
    """Whether a finding rejects the pipeline."""

    ERROR = "error"
    WARNING = "warning"


@attrs.frozen
class Related:
    """A second place that a diagnostic points at, with what is there."""

    text: str
    span: Span


@attrs.frozen
class Diagnostic:
    """One finding. The message says what is so, the help what to write instead.

    `code` is stable and says which part speaks (`PDSL2xx` artifacts and types, ...): see `pdsl explain`.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Related, ...] = ()
    help: str = ""
    severity: Severity = Severity.ERROR

    @property
    def order(self) -> tuple[str, int, int, str]:
        """The key by which findings are sorted: file, line, column, code."""
        span = self.span or Span("", 0)
        return span.file, span.line, span.column, self.code
