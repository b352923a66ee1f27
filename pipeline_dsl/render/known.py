"""Which backends there are: ours, and those that installed distributions add."""

from functools import cache
from importlib import import_module, metadata
from typing import Any

from pipeline_dsl.base.discover import subclasses
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.render.backend import Backend

OURS = "pipeline_dsl.backends"
"""The package of our own; it stands above this one, so it is named and not imported."""

GROUP = "pdsl.backends"
"""Entry points of this group name packages whose modules define backends."""


@cache
def known_backends() -> dict[str, Backend[Any]]:
    """Every backend by its name, in order of the names.

    Raises: Usage if two have one name, or a package that an entry point names does not import.
    """
    found: dict[str, Backend[Any]] = {}
    named = {OURS: OURS} | {point.value: point.name for point in metadata.entry_points(group=GROUP)}
    for path, name in named.items():
        try:
            kinds = subclasses(import_module(path), Backend)
        except ImportError as error:
            raise Usage(f"the backends of `{name}` cannot be imported: {error}", help="mend or remove that distribution") from error
        for kind in kinds:
            if kind.name in found:
                raise Usage(f"two backends are called `{kind.name}`: {type(found[kind.name]).__module__} and {kind.__module__}")
            found[kind.name] = kind()
    return dict(sorted(found.items()))


def backend(name: str) -> Backend[Any]:
    """The backend called `name`.

    Raises: Usage, with the names that there are.
    """
    known = known_backends()
    if name not in known:
        raise Usage(f"there is no backend `{name}`", help="there are: " + ", ".join(known))
    return known[name]
