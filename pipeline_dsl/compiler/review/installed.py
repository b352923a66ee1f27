"""The stage types that are installed: pdsl's own, those that other distributions announce, and those that the reviewer names."""

import difflib
import importlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline_dsl import stages
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.discover import subclasses
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.compiler.load import load
from pipeline_dsl.compiler.reading import NotImported
from pipeline_dsl.lang.stage import Stage, stage_type

GROUP = "pipeline_dsl.stages"
"""The entry point group: each names a package whose public modules hold stage types."""

Types = Mapping[str, type[Stage[Any]]]


@cache
def installed() -> Types:
    """Stage types by path, `module:Name`. Nothing but entry points of installed distributions decides what is imported.

    Raises: Usage if a distribution announces a package that is not there.
    """
    found = _by_path(subclasses(stages, Stage))
    for point in metadata.entry_points(group=GROUP):
        try:
            found |= _by_path(subclasses(importlib.import_module(point.value), Stage))
        except (ImportError, AttributeError) as error:
            raise Usage(f"the stage types of {point.name} cannot be imported: {error}", help="install it again, or remove it") from error
    return found


def named(modules: Iterable[str]) -> Types:
    """The stage types of modules that a person named on the command line: `ours.stages`, or a `.py` file, imported as it says.

    Raises: Usage if there is no such module, or it cannot be imported.
    """
    found: dict[str, type[Stage[Any]]] = {}
    for module in modules:
        _import(module)
    for cls in _below(Stage) if modules else ():
        if not cls.__module__.startswith("pipeline_dsl."):
            found |= _by_path((cls,))
    return found


def _import(module: str) -> None:
    """Import what a person named, as `pdsl check` would a pipeline file; a module need not declare a pipeline."""
    if module.endswith(".py"):
        loaded = load(module)
        if isinstance(loaded, Diagnostic) and loaded.code == NotImported.code:
            raise Usage(f"{module} cannot be imported: {loaded.message}")
        return
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a user's module raises is the user's to see
        raise Usage(f"{module} cannot be imported: {type(error).__name__}: {error}") from error


def _below(cls: type[Any]) -> list[type[Any]]:
    found = [cls]
    for one in found:  # grows as we go
        found += [other for other in one.__subclasses__() if other not in found]
    return found[1:]


def _by_path(classes: Iterable[type[Stage[Any]]]) -> dict[str, type[Stage[Any]]]:
    found: dict[str, type[Stage[Any]]] = {}
    for cls in classes:
        try:
            described = stage_type(cls)
        except (TypeError, NameError):  # a base class, which says nothing of what it makes
            continue
        if "run" in {name for base in cls.__mro__[:-1] if base is not Stage for name in vars(base)}:
            found[described.path] = cls
    return found


def find(types: Types, said: str) -> type[Stage[Any]] | None:
    """The type of a path, or of a bare name such as `Sft`, if only one has it."""
    if said in types:
        return types[said]
    bare = [cls for cls in types.values() if said in (cls.__name__, stage_type(cls).kind)]
    return bare[0] if len(bare) == 1 else None


def close(types: Types, said: str) -> str:
    """The path of a type that may have been meant; empty if none is near."""
    names = {cls.__name__: path for path, cls in types.items()}
    near = difflib.get_close_matches(said, types, n=1, cutoff=0.8) or difflib.get_close_matches(said.rpartition(":")[2], names, n=1)
    return names.get(near[0], near[0]) if near else ""
