"""Finding what a package holds: each of its public modules defines subclasses of one kind.

Nothing registers itself; a file is found because it is there.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def subclasses(package: ModuleType, kind: type[T]) -> tuple[type[T], ...]:
    """The subclasses of `kind` that the modules of `package` define, in the order of the modules' names."""
    found: list[type[T]] = []
    for entry in sorted(pkgutil.iter_modules(package.__path__), key=lambda entry: entry.name):
        if entry.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{entry.name}")
        found.extend(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, kind) and value.__module__ == module.__name__
        )
    return tuple(found)
