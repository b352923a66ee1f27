"""Small modules for tests: stage types that only declare, and compiling a text that is written to a file."""

import itertools
from pathlib import Path
from textwrap import dedent

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.compile import Compiled, compile_target

PRELUDE = """\
from pipeline_dsl import *
from pipeline_dsl.compiler.examples import *
"""
_number = itertools.count()


def write(folder: Path, text: str, name: str = "", *, encoding: str = "utf-8") -> Path:
    """A module in `folder`, under a name that no other test uses if none is given."""
    file = folder / f"{name or f'written_{next(_number)}'}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(dedent(text).encode(encoding))
    return file


def compiled(folder: Path, text: str) -> Compiled:
    """What comes of a module's text."""
    return compile_target(str(write(folder, text)))


def the_one(found: Compiled) -> Diagnostic:
    """The only finding."""
    (diagnostic,) = found.diagnostics
    return diagnostic


def excerpt(span: Span | None) -> str:
    """The source text that a span covers, read as Python reads it."""
    assert span is not None
    lines = Path(span.file).read_bytes().decode("utf-8-sig").replace("\r\n", "\n").split("\n")[span.line - 1 : span.end_line or span.line]
    lines[-1] = lines[-1][: span.end_column]
    return "\n".join(lines)[span.column :]
