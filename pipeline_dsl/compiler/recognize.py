"""Whether a file declares a pipeline, told from its text: other people's modules are not imported to find out."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try)


def declares_pipeline(file: str) -> bool:
    """Whether a Python file imports `pipeline_dsl` and calls `Pipeline`, or binds `pipeline`, where importing it gets to.

    A file that names both and cannot be parsed is taken for a pipeline, so that somebody is told. A module whose pipeline is
    wholly made elsewhere (`from ours import pipeline`) is not recognized: name it without asking.
    """
    try:
        data = Path(file).read_bytes()
    except OSError:
        return True  # who checks it says why it cannot be read
    if b"pipeline_dsl" not in data:
        return False
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return b"Pipeline" in data
    lines = list(_executed(tree.body))
    return any(map(_imports, lines)) and any(map(_declares, lines))


def _executed(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The simple statements that importing a module runs: those of functions and classes are left out."""
    for line in body:
        if isinstance(line, _COMPOUND):
            parts = [getattr(line, name, []) for name in ("body", "orelse", "finalbody")]
            parts += [handler.body for handler in getattr(line, "handlers", [])]
            for part in parts:
                yield from _executed(part)
        elif not isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield line


def _imports(line: ast.stmt) -> bool:
    if isinstance(line, ast.Import):
        return any(alias.name.partition(".")[0] == "pipeline_dsl" for alias in line.names)
    return isinstance(line, ast.ImportFrom) and line.level == 0 and (line.module or "").partition(".")[0] == "pipeline_dsl"


def _declares(line: ast.stmt) -> bool:
    if isinstance(line, ast.Assign | ast.AnnAssign):
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        if line.value is not None and any(isinstance(target, ast.Name) and target.id == "pipeline" for target in targets):
            return True
    return any(isinstance(node, ast.Call) and _name(node.func) == "Pipeline" for node in ast.walk(line))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
