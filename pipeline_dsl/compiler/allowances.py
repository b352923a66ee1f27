"""`# pdsl: allow[CODE] reason`: the comments by which an author says that a warning is meant so.

Such a comment stands at the end of the line that the warning points at or of the first line of that statement, or on lines of its own
directly above one of them. Files are read for it only here: those that a warning points into, and the pipeline's own.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.span import Span

_COMMENT = re.compile(r"#\s*pdsl:\s*allow\b(?P<rest>.*)")
_FORM = re.compile(r"\[(?P<codes>[^\]]*)\]\s*(?P<reason>[^#]*).*")


@attrs.frozen
class Allowance:
    """One comment: the codes that it names, why, where it stands and the line of code that it is about.

    `codes` is None where the comment has no brackets to read them from.
    """

    codes: tuple[str, ...] | None
    reason: str
    span: Span
    line: int


@attrs.frozen
class Settled:
    """Findings without those that were allowed, the allowances of all files that were read, and those that allowed nothing.

    `idle` holds pairs of an allowance and a code; only the pipeline's own file is judged, since what another file declares may be
    used by other pipelines too. It is None if the checks did not all run.
    """

    left: tuple[Diagnostic, ...]
    allowances: tuple[Allowance, ...]
    idle: tuple[tuple[Allowance, str], ...] | None


def settle(found: Sequence[Diagnostic], file: str, *, complete: bool) -> Settled:
    """Take from `found` the warnings that comments allow, in a pipeline whose own module is `file`."""
    warned = {diagnostic.span.file for diagnostic in found if diagnostic.severity is Severity.WARNING and diagnostic.span}
    path = {name: Path(name).resolve() for name in {*warned, file}}  # one file may be named in two ways
    read = {name: _allowances(name) for name in sorted({*path.values()})}
    there = {name: _Allowed(read[path[name]], _first_lines(path[name])) for name in warned if read[path[name]]}
    used: set[tuple[Allowance, str]] = set()
    left: list[Diagnostic] = []
    for diagnostic in found:
        span = diagnostic.span
        allowed = there.get(span.file) if span and diagnostic.severity is Severity.WARNING else None
        answers = allowed.answers(diagnostic.code, span.line) if allowed and span else []
        used.update((allowance, diagnostic.code) for allowance in answers)
        if not answers:
            left.append(diagnostic)
    own = read[path[file]]
    idle = tuple((allowance, code) for allowance in own for code in allowance.codes or () if (allowance, code) not in used)
    return Settled(tuple(left), tuple(allowance for name in read for allowance in read[name]), idle if complete else None)


class _Allowed:
    """The allowances of one file, and where its statements begin."""

    def __init__(self, allowances: Iterable[Allowance], first_lines: Mapping[int, int]) -> None:
        self._first_lines = first_lines
        self._at: dict[tuple[str, int], list[Allowance]] = {}
        for allowance in allowances:
            for code in allowance.codes or ():
                self._at.setdefault((code, allowance.line), []).append(allowance)

    def answers(self, code: str, line: int) -> list[Allowance]:
        """The allowances that name a code on a line, or on the first line of its statement."""
        first = self._first_lines.get(line, line)
        return [*self._at.get((code, line), ()), *(self._at.get((code, first), ()) if first != line else ())]


def _allowances(path: Path) -> tuple[Allowance, ...]:
    """The allowances in a file; none if it is no Python that can be read."""
    try:
        data = path.read_bytes()
        if b"pdsl:" not in data:  # which is most files, and spares them the tokenizer
            return ()
        return tuple(_found(str(path), list(tokenize.tokenize(io.BytesIO(data).readline))))
    except (OSError, SyntaxError, UnicodeError, tokenize.TokenError):
        return ()


_BLANK = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}
)


def _found(file: str, tokens: Iterable[tokenize.TokenInfo]) -> Iterator[Allowance]:
    tokens = list(tokens)
    code = {line for token in tokens if token.type not in _BLANK for line in range(token.start[0], token.end[0] + 1)}
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for token in tokens:
        match = _COMMENT.fullmatch(token.string.rstrip()) if token.type == tokenize.COMMENT else None
        if match is None:
            continue
        line, start = token.start
        about = line
        while about in comments and about not in code:
            about += 1
        form = _FORM.fullmatch(match["rest"].strip())
        codes = tuple(code.strip() for code in form["codes"].split(",") if code.strip()) if form else None
        yield Allowance(codes, form["reason"].strip() if form else "", Span(file, line, start, line, token.end[1]), about)


def _first_lines(path: Path) -> dict[int, int]:
    """For each line of a file that a statement goes on in, the line where the innermost one begins."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    firsts: dict[int, int] = {}
    for node in ast.walk(tree):  # from the outside in
        if isinstance(node, ast.stmt):
            firsts.update(dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), node.lineno))
    return firsts
