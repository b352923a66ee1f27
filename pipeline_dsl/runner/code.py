"""What the code of a stage was: a digest that formatting and comments do not move."""

import ast
import inspect
import sys
from functools import cache
from pathlib import Path

from pipeline_dsl.base.digest import Digest, digest_bytes


def code_digest(cls: type) -> str:
    """The digest of the syntax tree of the module that defines `cls`, docstrings left out.

    It is recorded beside a result and never part of a key: `pdsl plan` says when code changed under one version.
    """
    try:
        return file_digest(inspect.getsourcefile(cls) or "")
    except (OSError, SyntaxError, TypeError, UnicodeDecodeError):
        return digest_bytes(f"no source: {cls.__module__}".encode())


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
