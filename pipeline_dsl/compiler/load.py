"""A pipeline module, found by path or by name, imported, and asked for its pipeline.

Whatever goes wrong while somebody's file is imported is a diagnostic that points into that file.
"""

import contextlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard, TypeVar, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Related
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.reading import BadFields, NoPipeline, NotImported, SeveralPipelines
from pipeline_dsl.lang.launcher import Launcher
from pipeline_dsl.lang.pipeline import Pipeline
from pipeline_dsl.lang.stage import Stage


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
    file, name, root = _path(target) if target.endswith(".py") else _module(target)
    if name in sys.stdlib_module_names:
        return NotImported.finding(f"`{name}` is the name of a module of Python's own", Span(file, 1), help=_RENAME)
    _come_first(root)
    before = set(sys.modules)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a module prints is no part of a command's output
            module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises is the user's to see, with its place
        from pipeline_dsl.compiler.import_failure import diagnose

        return diagnose(error, file)
    finally:
        _theirs.update(sys.modules.keys() - before)
    if not isinstance(module, ModuleType):
        return NotImported.finding(f"this module puts a {type(module).__name__} in its place", Span(file, 1))
    if name in before and Path(_file(module)).resolve() != Path(file).resolve():
        return NotImported.finding(f"`{name}` is already the name of another module, {_file(module)}", Span(file, 1), help=_RENAME)
    return _find(module, file, root)


_RENAME = "rename the file, or put it in a package"


def located(target: str) -> Path:
    """The file of a target, a path ending in `.py` or a module name; nothing is imported.

    Raises: Usage if there is no such file or module.
    """
    return Path((_path(target) if target.endswith(".py") else _module(target))[0])


def _path(target: str) -> tuple[str, str, str]:
    """(file, name, folder that it is imported from) of a path."""
    path = Path(target)
    if not path.is_file():
        raise Usage(f"there is no file {target}", help="a pipeline is a `.py` file or the name of a module")
    if not path.stem.isidentifier():
        raise Usage(f"{path.name} cannot be imported: `{path.stem}` is not a Python name", help="rename the file")
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.resolve().parent
    while (folder / "__init__.py").exists() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return str(path), ".".join(parts), str(folder)


def _module(target: str) -> tuple[str, str, str]:
    """(file, name, folder that it is imported from) of a module's name."""
    folder = target and Path(target).is_dir() and Usage(f"{target} is a folder", help=_in_folder(Path(target)))
    if not all(part.isidentifier() for part in target.split(".")):
        raise folder or Usage(
            f"`{target}` is neither a `.py` file nor the name of a module", help="a pipeline is one of them: pipelines/tiny.py"
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    absent = folder or Usage(f"there is no module {target}", help="run from the folder that it is imported from, or give its path")
    top, *parts = target.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:
        spec = None
    for depth, _ in enumerate(parts):  # one by one: `find_spec` of the whole name would import, and so run, the packages above it
        if spec is None or spec.submodule_search_locations is None:
            raise absent
        spec = importlib.machinery.PathFinder.find_spec(".".join([top, *parts[: depth + 1]]), list(spec.submodule_search_locations))
    if spec is None or not (spec.origin or "").endswith(".py"):
        raise absent
    file = Path(cast(str, spec.origin))
    above = target.count(".") + (file.stem == "__init__")
    return str(file), target, str(file.resolve().parents[above])


def _in_folder(folder: Path) -> str:
    """What to name instead of a folder: a file in it that declares a pipeline, if there is one."""
    from pipeline_dsl.compiler.recognize import declares_pipeline

    found = (file for file in sorted(folder.glob("*.py")) if declares_pipeline(str(file)))
    first = next(found, None)
    return f"name a pipeline in it: {first}" if first else "no file in it declares a pipeline: name one that does"


def _come_first(root: str) -> None:
    """Let `root` be searched first, and forget what earlier targets imported under names that mean other files here."""
    if sys.path[:1] != [root]:
        with contextlib.suppress(ValueError):
            sys.path.remove(root)
        sys.path.insert(0, root)
    if not _theirs:
        return
    importlib.invalidate_caches()
    for name in sorted(_theirs & sys.modules.keys()):
        top = Path(root, name.partition(".")[0])
        file = Path(_file(sys.modules[name]))
        here = file.is_relative_to(root) or file.resolve().is_relative_to(root)  # a link in this folder is this folder's
        if (top.with_suffix(".py").exists() or top.is_dir()) and not here:
            del sys.modules[name]


def _file(module: object) -> str:
    """The file of a module, as far as it says so: what is there belongs to somebody else, who may have changed it."""
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else ""


_theirs: set[str] = set()
"""The names of the modules that targets imported."""


def _find(module: ModuleType, file: str, root: str) -> Loaded | Diagnostic:
    values: Mapping[str, object] = vars(module)
    found = {id(value): value for value in values.values() if _is(value, Pipeline)}
    if not found:
        help = "end it with `pipeline = Pipeline(name=..., targets=[...])`"
        return NoPipeline.finding("this module declares no pipeline", Span(file, 1), help=help)
    if len(found) > 1:
        *others, last = (pipeline.mark.span() for pipeline in found.values() if pipeline.mark)
        finding = SeveralPipelines.finding(f"this module declares {len(found)} pipelines", last, help="one module, one pipeline")
        return attrs.evolve(finding, related=tuple(Related("another one", span) for span in others))
    (pipeline,) = found.values()
    for name in ("targets", "gates", "launchers"):
        value = getattr(pipeline, name)
        if not isinstance(value, list | tuple):
            at = pipeline.mark.argument(name) if pipeline.mark else Span(file, 1)
            return BadFields.finding(f"`Pipeline.{name}` is a list, not {type(value).__name__}", at, help=_listed(name, value))
    for launcher in pipeline.launchers:
        if not isinstance(launcher, Launcher):  # pyright: ignore[reportUnnecessaryIsInstance]
            at = pipeline.mark.argument("launchers") if pipeline.mark else Span(file, 1)
            message = f"`Pipeline.launchers` holds settings of clusters, not {type(launcher).__name__}"
            return BadFields.finding(message, at, help="write `launchers=[Slurm(...)]` or `launchers=[Kubernetes(...)]`")
    return Loaded(pipeline, tuple(_stages(values)), file, root)


def _listed(name: str, value: object) -> str:
    """How to make a list of what was given for one."""
    if isinstance(value, Mapping):
        return f"write `{name}=list(....values())`"
    if value is None or isinstance(value, Stage | str) or not isinstance(value, Iterable):
        return f"write `{name}=[...]`"
    return f"write `{name}=list(...)`"


T = TypeVar("T")


def _is(value: object, kind: type[T]) -> TypeGuard[T]:
    """Whether a value is of a kind, without asking the value: a module may hold proxies that fail when they are touched."""
    return issubclass(type(value), kind)


def _stages(values: Mapping[str, object]) -> Iterator[tuple[str, Stage[Any]]]:
    """The stages that a module's public names are bound to, also those in its tuples, lists and dictionaries."""
    for name, value in values.items():
        if name[0] == "_":
            continue
        if _is(value, Stage):
            yield name, value
        elif type(value) in (list, tuple):
            yield from ((f"{name}[{at}]", item) for at, item in enumerate(cast("list[object]", value)) if _is(item, Stage))
        elif type(value) is dict:
            yield from ((f"{name}[{at!r}]", item) for at, item in cast("dict[object, object]", value).items() if _is(item, Stage))
