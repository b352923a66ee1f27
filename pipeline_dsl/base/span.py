"""Where a thing was written, down to the column.

Taking a mark must cost next to nothing, since every declaration takes one: it keeps the code object and the
instruction, and becomes a `Span` only when something has to be said about it.
"""

import ast
import functools
import sys
import tokenize
from abc import ABC, abstractmethod
from types import CodeType, FrameType

import attrs

_OURS = frozenset(
    {"pipeline_dsl", "attr", "attrs", "dataclasses", "copy", "typing", "importlib", "_frozen_importlib", "_frozen_importlib_external"}
)


@attrs.frozen(order=True)
class Span:
    """A range of source text. Lines count from 1, columns from 0 in characters, the end is exclusive."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}"


class Mark(ABC):
    """Where something was declared: a span not yet looked up."""

    @abstractmethod
    def span(self) -> Span:
        """The source range of the declaration."""

    @abstractmethod
    def argument(self, name: str) -> Span:
        """The source range of the value given for the field `name`, or of the whole declaration if it is not there."""


@attrs.frozen(eq=False)
class CodeMark(Mark):
    """An instruction of a code object: the call that declared it."""

    code: CodeType
    instruction: int
    caller: "CodeMark | None" = None
    """The call of the function that it stands in."""

    def span(self) -> Span:
        return code_span(self.code, self.instruction)

    def argument(self, name: str) -> Span:
        return self._given(name) or self.span()

    def _given(self, name: str) -> Span | None:
        """The value of the keyword `name`; where a function passes its own keywords on, as in `Sft(base=base, **more)`, its caller's."""
        call = self.span()
        node = _calls(call.file).get((call.line, call.column, call.end_line, call.end_column))
        keywords = {keyword.arg: keyword.value for keyword in node.keywords} if node else {}
        if name in keywords:
            return node_span(call.file, keywords[name])
        return self.caller._given(name) if self.caller and None in keywords else None


def mark() -> Mark | None:
    """The innermost frame outside this package and what constructs for it; None when there is none."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _OURS:
            return _coded(frame)
        frame = frame.f_back
    return None


def _coded(frame: FrameType, depth: int = 0) -> CodeMark:
    """Where a frame is, and where it was called from, up to the module's own lines."""
    above = None if frame.f_code.co_name == "<module>" or depth == _DEEPEST else frame.f_back
    return CodeMark(frame.f_code, frame.f_lasti, _coded(above, depth + 1) if above else None)


_DEEPEST = 3
"""Calls of functions that a mark remembers."""


def code_span(code: CodeType, instruction: int) -> Span:
    """The source range of one instruction; the whole line where the interpreter keeps no columns."""
    file = code.co_filename
    line, end_line, column, end_column = _positions(code)[instruction // 2]
    if line is None:
        return Span(file, code.co_firstlineno)
    end = end_line or line
    return Span(file, line, _characters(source_line(file, line), column), end, _characters(source_line(file, end), end_column))


def node_span(file: str, node: ast.expr | ast.stmt) -> Span:
    """The source range of a syntax node."""
    end = node.end_lineno or node.lineno
    return Span(
        file,
        node.lineno,
        _characters(source_line(file, node.lineno), node.col_offset),
        end,
        _characters(source_line(file, end), node.end_col_offset or node.col_offset),
    )


@functools.cache
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


_said: dict[str, list[str]] = {}
"""The lines of texts that were read from elsewhere than the file that they are said to be."""


def remember(file: str, text: str) -> None:
    """Let spans in `file` show `text`: that of a file in a change that is not made yet, or one that must not be opened again."""
    _said[file] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    _source.cache_clear()


@functools.cache
def _source(file: str) -> list[str]:
    """The lines of a file as Python counts them: a form feed ends none, and the file itself may name its encoding."""
    if file in _said:
        return _said[file]
    try:
        with tokenize.open(file) as stream:
            return stream.read().split("\n")
    except (OSError, SyntaxError, UnicodeError):
        pass
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read().split("\n")
    except OSError:
        return []


def source_line(file: str, line: int) -> str:
    """Line `line` of a file, without its end; empty if there is none."""
    lines = _source(file)
    return lines[line - 1] if 0 < line <= len(lines) else ""


@functools.cache
def _calls(file: str) -> dict[tuple[int, int, int, int], ast.Call]:
    try:
        tree = ast.parse("\n".join(_source(file)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[tuple[int, int, int, int], ast.Call] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            span = node_span(file, node)
            found[span.line, span.column, span.end_line, span.end_column] = node
    return found


def _characters(text: str, offset: int | None) -> int:
    """A UTF-8 byte offset, as the compiler counts, in characters, as people do."""
    return len(text.encode()[: offset or 0].decode(errors="replace"))
