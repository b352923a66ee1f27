"""The source of a project's own modules: found as Python's import would find them, and never imported."""

import ast
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import attrs

import pipeline_dsl
from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.code import file_digest
from pipeline_dsl.store.bundle import Sources

_OURS = "pipeline_dsl"


@attrs.frozen
class Module:
    """A module's file, and the folder that it is imported from."""

    name: str
    file: Path
    root: Path

    @property
    def inside(self) -> str:
        """Its path inside the folder."""
        return self.file.relative_to(self.root).as_posix()

    @property
    def installed(self) -> bool:
        """Whether it belongs to an installed package, or to Python, and so not to a project."""
        return any(self.root.is_relative_to(folder) for folder in _installed()) or not {"site-packages", "dist-packages"}.isdisjoint(
            self.root.parts
        )


def roots(*first: str | Path) -> tuple[Path, ...]:
    """The folders that modules are looked for in: these, then the one that we are in, then what Python looks through."""
    ours = Path(pipeline_dsl.__file__).parents[1]
    named = [Path(folder) for folder in first if str(folder)]
    found = (*named, Path.cwd(), *map(Path, sys.path), ours)
    return tuple(dict.fromkeys(folder.resolve() for folder in found if folder.is_dir()))


def find(name: str, folders: Sequence[Path]) -> Module | None:
    """The module called `name`, in the first folder that has its outermost package; None if none has it as source."""
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    for root in folders:
        path = root.joinpath(*name.split("."))
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return Module(name, file, root)
    return None


def project_sources(plan: Plan, folders: Sequence[Path]) -> Sources:
    """The modules that a plan's pipeline and stages are declared in, and those of the same project that these import.

    What is not imported by an `import` statement (a file that a stage opens, a module that is named at run time) is not found.
    Raises: Usage if a module of a stage is nowhere, or is no Python.
    """
    named = dict.fromkeys(stage.type.partition(":")[0] for stage in plan.stages)
    pending = [name for name in named if not _is_ours(name)]
    if plan.module and not _is_ours(plan.module):
        pending.append(plan.module)
    seen, own, distributions = set[str](), dict[str, Module](), dict[str, str]()
    while pending:
        name = pending.pop()
        if name in seen or _is_ours(name):
            continue
        seen.add(name)
        module = find(name, folders)
        if module is None and (name in named or name == plan.module):
            raise Usage(f"the module `{name}` is nowhere to be found", help="run from the folder of the project, which it is imported from")
        if module is None:
            continue
        if module.installed:
            distributions |= _distribution(name) if name in named else {}
            continue
        own[module.inside] = module
        pending += [*_packages(name), *_imported(module)]
    return Sources(
        files={inside: module.file.read_bytes() for inside, module in own.items()},
        code={inside: code_of(module) for inside, module in own.items()},
        distributions=distributions,
    )


def code_of(module: Module) -> str:
    """The digest of a module's code, as records have it; that of its bytes, where it is no Python that this one reads."""
    try:
        return file_digest(str(module.file))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return digest_bytes(module.file.read_bytes())


def declares(module: Module, name: str) -> bool:
    """Whether a module's text declares a class, so that it is not imported for what it does not have."""
    return _class(module, name) is not None


def declared_version(module: Module, name: str) -> int | None:
    """The version that a module's text gives a stage class; None where the class itself says none."""
    found = _class(module, name)
    for node in found.body if found else ():
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "version" for target in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, int) else None
    return None


def _class(module: Module, name: str) -> ast.ClassDef | None:
    body: Iterable[ast.stmt] = _parsed(module).body
    found: ast.ClassDef | None = None
    for part in name.split("."):
        found = next((node for node in _flat(body) if isinstance(node, ast.ClassDef) and node.name == part), None)
        if found is None:
            return None
        body = found.body
    return found


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, and those below an `if` or a `try` that they stand in."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _flat([inner for inner in ast.walk(node) if isinstance(inner, ast.ClassDef)])


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == _OURS


def _packages(name: str) -> Iterator[str]:
    """The packages that are imported before a module is."""
    parts = name.split(".")[:-1]
    yield from (".".join(parts[: length + 1]) for length in range(len(parts)))


def _imported(module: Module) -> Iterator[str]:
    """The names that a module imports by statements, and those that could be modules of a package that it imports from."""
    package = module.name.split(".") if module.file.stem == "__init__" else module.name.split(".")[:-1]
    for node in ast.walk(_parsed(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
                yield from _packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])] if node.level else [node.module or ""]
            whole = ".".join(base)
            yield whole
            yield from _packages(whole)
            yield from (f"{whole}.{alias.name}" for alias in node.names if alias.name != "*")


def _parsed(module: Module) -> ast.Module:
    try:
        return ast.parse(module.file.read_bytes(), filename=str(module.file))
    except (SyntaxError, ValueError) as error:
        raise Usage(f"{module.file} is no Python: {error}") from error


def _distribution(name: str) -> dict[str, str]:
    from importlib import metadata

    owners = metadata.packages_distributions().get(name.partition(".")[0], [])
    return {owner: metadata.version(owner) for owner in owners}


@cache
def _installed() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib")})
