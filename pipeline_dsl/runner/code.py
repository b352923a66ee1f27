"""What the code of a stage was: a digest that formatting and comments do not move."""

import ast
import inspect
import os
import sys
from functools import cache
from pathlib import Path

from pipeline_dsl.base.digest import Digest, digest_bytes
from pipeline_dsl.store.record import Record


def code_digest(cls: type) -> str:
    """The digest of the syntax tree of the module that defines `cls`, docstrings left out.

    It is recorded beside a result and never part of a key: `pdsl plan` says when code changed under one version.
    """
    try:
        return file_digest(inspect.getsourcefile(cls) or "")
    except (OSError, SyntaxError, TypeError, UnicodeDecodeError):
        return digest_bytes(f"no source: {cls.__module__}".encode())


def edited_since(record: Record) -> bool:
    """Whether the module of a stage type, imported by now, has other code than it had when it made a result.

    A file that is older than the result is not read. `pdsl` sees to the versions of its own stage types.
    """
    module, _, name = record.type.partition(":")
    if module.partition(".")[0] == __name__.partition(".")[0]:
        return False
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        if not isinstance(found, type) or file is None or os.stat(file).st_mtime < record.started:
            return False
    except OSError:
        return False
    return code_digest(found) != record.code


@cache
def file_digest(file: str) -> Digest:
    """The digest of a source file's syntax tree. It is read once, so that a process forked later need not.

    Raises: OSError; SyntaxError; UnicodeDecodeError.
    """
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
                node.body = body[1:]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return digest_bytes(f"{version} {ast.dump(tree)}".encode())
