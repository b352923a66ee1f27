"""A pipeline module, found by path or by name, imported, and asked for its pipeline.

Whatever goes wrong while somebody's file is imported is a diagnostic that points into that file.
"""

import difflib
import importlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.span import Span
from pipeline_dsl.lang.pipeline import Pipeline
from pipeline_dsl.lang.stage import Stage, is_stage


@attrs.frozen
class Loaded:
    """An imported module: its pipeline, the stages that its names are bound to, and where it is imported from."""

    pipeline: Pipeline
    stages: tuple[tuple[str, Stage[Any]], ...]
    file: str
    root: str


def load(target: str) -> Loaded | Diagnostic:
    """Import `target`, a path ending in `.py` or a module name, and find its pipeline.

    Raises: Usage if there is no such file or module.
    """
    file, name, root = _locate(target)
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever a user's module raises is the user's to see, with its place
        return _import_failure(error, file)
    if Path(module.__file__ or "").resolve() != Path(file).resolve():
        return Diagnostic(
            "PDSL101",
            f"`{name}` is already the name of another module, {module.__file__}",
            Span(file, 1),
            help="rename the file, or put it in a package",
        )
    return _find(module, file, root)


def _locate(target: str) -> tuple[str, str, str]:
    if target.endswith(".py"):
        path = Path(target)
        if not path.is_file():
            raise Usage(f"there is no file {target}", help="a pipeline is a `.py` file or the name of a module")
        if not path.stem.isidentifier():
            raise Usage(f"{path.name} cannot be imported: `{path.stem}` is not a Python name")
        parts = [path.stem]
        folder = path.resolve().parent
        while (folder / "__init__.py").exists() and folder.name.isidentifier():
            parts.insert(0, folder.name)
            folder = folder.parent
        return str(path), ".".join(parts), str(folder)
    if not all(part.isidentifier() for part in target.split(".")):
        raise Usage(f"`{target}` is neither a `.py` file nor the name of a module")
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = importlib.util.find_spec(target)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise Usage(f"there is no module {target}", help="run from the folder that it is imported from, or give its path")
    root = Path(spec.origin).resolve().parent
    for _ in range(target.count(".") + (1 if spec.submodule_search_locations else 0)):
        root = root.parent
    return spec.origin, target, str(root)


def _find(module: ModuleType, file: str, root: str) -> Loaded | Diagnostic:
    values = vars(module)
    pipelines: dict[int, Pipeline] = {id(value): value for value in values.values() if isinstance(value, Pipeline)}
    if not pipelines:
        return Diagnostic(
            "PDSL103",
            "this module declares no pipeline",
            Span(file, 1),
            help="end it with `pipeline = Pipeline(name=..., targets=[...])`",
        )
    found = list(pipelines.values())
    if len(found) > 1:
        spans = [pipeline.mark.span() for pipeline in found if pipeline.mark]
        return Diagnostic("PDSL104", f"this module declares {len(found)} pipelines", spans[-1], help="one module, one pipeline")
    stages = tuple((name, value) for name, value in values.items() if is_stage(value) and name[0] != "_")
    return Loaded(found[0], stages, file, root)


def _import_failure(error: Exception, file: str) -> Diagnostic:
    if isinstance(error, SyntaxError) and error.filename:
        column = max((error.offset or 1) - 1, 0)
        span = Span(
            error.filename, error.lineno or 1, column, error.end_lineno or error.lineno or 1, max((error.end_offset or 1) - 1, column + 1)
        )
        return Diagnostic("PDSL101", f"this file is not Python: {error.msg}", span)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "pipeline_dsl" not in Path(frame.filename).parts]
    frames = [frame for frame in frames if not frame.filename.startswith("<")]
    span = Span(file, 1)
    if frames:
        last = frames[-1]
        span = Span(last.filename, last.lineno or 1, last.colno or 0, last.end_lineno or last.lineno or 1, last.end_colno or 0)
    match = re.match(r"(\w+)\.__init__\(\) (.*)", str(error)) if isinstance(error, TypeError) else None
    if match:
        return _bad_call(match[1], match[2], span)
    if isinstance(error, ModuleNotFoundError):
        return Diagnostic(
            "PDSL101", f"this module needs `{error.name}`, which is not installed", span, help=f"install `{error.name}`, or mend the import"
        )
    if isinstance(error, ImportError) and error.name and "cannot import name" in str(error):
        return _bad_import(error, span)
    return Diagnostic("PDSL101", f"importing this module raised {type(error).__name__}: {error}", span)


def _bad_call(cls: str, fault: str, span: Span) -> Diagnostic:
    """An attrs constructor was called with the wrong keywords."""
    unknown = re.search(r"unexpected keyword argument '(\w+)'", fault)
    if unknown:
        close = difflib.get_close_matches(unknown[1], _fields_of(cls), n=1)
        advice = f"did you mean `{close[0]}`?" if close else ("its fields: " + ", ".join(_fields_of(cls)) if _fields_of(cls) else "")
        return Diagnostic("PDSL105", f"`{cls}` has no field `{unknown[1]}`", span, help=advice)
    missing = re.findall(r"'(\w+)'", fault)
    if "missing" in fault and missing:
        return Diagnostic(
            "PDSL105", f"`{cls}` needs " + ", ".join(f"`{name}`" for name in missing), span, help="give every field that has no default"
        )
    if "positional" in fault:
        return Diagnostic("PDSL105", f"`{cls}` takes its fields by name", span, help=f"write `{cls}(field=value, ...)`")
    return Diagnostic("PDSL105", f"`{cls}` cannot be made so: {fault}", span)


def _fields_of(cls: str) -> list[str]:
    pending: list[Any] = [Stage, Pipeline]
    while pending:
        kind = pending.pop()
        if kind.__name__ == cls:
            return [field.name for field in attrs.fields(kind) if field.init]
        pending.extend(kind.__subclasses__())
    return []


def _bad_import(error: ImportError, span: Span) -> Diagnostic:
    wanted = re.search(r"cannot import name '(\w+)'", str(error))
    module = sys.modules.get(error.name or "")
    close = difflib.get_close_matches(wanted[1], dir(module), n=1) if wanted and module else []
    advice = f"did you mean `{close[0]}`?" if close else ""
    return Diagnostic("PDSL101", f"`{error.name}` has no `{wanted[1] if wanted else '?'}`", span, help=advice)
