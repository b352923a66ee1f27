"""What import-linter cannot say about who may import what: see `[tool.importlinter]` for what it can."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import ROOT

PACKAGE = ROOT / "pipeline_dsl"
MODULES = sorted(PACKAGE.rglob("*.py"))

RUN_TIME = {"ml": {"numpy"}}
"""Sub-packages that only a running stage imports, and what they may take for granted."""

CORE = {"attrs", "cattrs", "jinja2", "networkx", "typer", "yaml", "pipeline_dsl"}
"""All that may be imported when a module is: what `pip install pdsl` brings. Stages ask `work.library` for the rest."""


def imported(statements: list[ast.stmt]) -> Iterator[str]:
    """Top-level names imported when the module is: not in a function, not under `TYPE_CHECKING`."""
    for statement in statements:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=other):
                yield from imported(other)
            case ast.If() | ast.Try() | ast.With() | ast.ClassDef():
                for block in ("body", "orelse", "finalbody"):
                    yield from imported(getattr(statement, block, []))
                yield from (name for handler in getattr(statement, "handlers", []) for name in imported(handler.body))
            case _:
                pass


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_the_core_dependencies_when_it_is_imported(module: Path) -> None:
    names = set(imported(ast.parse(module.read_text()).body))
    more = RUN_TIME.get(module.relative_to(PACKAGE).parts[0], set())

    assert names - CORE - more - sys.stdlib_module_names == set()


def test_an_import_inside_a_try_counts_and_one_for_the_type_checker_does_not() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import a\ntry:\n    import b\nexcept ImportError:\n    import c\ndef f():\n    import d\n")

    assert list(imported(tree.body)) == ["b", "c"]


def test_every_folder_of_the_package_with_modules_is_a_package() -> None:
    """A folder without `__init__.py` would be missing from the wheel, and import-linter would not see it."""
    folders = {module.parent for module in MODULES}

    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
