"""Rendered files on disk: what a plan's folder should hold, and making it so."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.backend import Backend, Rendered
from pipeline_dsl.render.known import backend, known_backends

PLAN = "plan.json"
"""The plan beside every backend's files, which their commands read; it names no folder of the machine that compiled it."""


@attrs.frozen
class Difference:
    """What keeps a folder from being as it should: files that are missing or old, and files that nothing wants."""

    stale: tuple[Path, ...]
    stray: tuple[Path, ...]


def files(plan: Plan, name: str) -> list[Rendered]:
    """Everything that a backend's folder holds for a plan.

    Raises: Usage if there is no such backend; Unrenderable.
    """
    return folders(plan, [name])[name]


def folders(plan: Plan, names: Sequence[str]) -> dict[str, list[Rendered]]:
    """The same for several backends, of which each has the plan beside it.

    Raises: Usage if there is no such backend; Unrenderable.
    """
    chosen = {name: backend(name) for name in names}
    portable = attrs.evolve(plan, root="")
    saved = Rendered(PLAN, plans.dump(portable))
    return {name: [saved, *kind.render(portable, kind.given(portable))] for name, kind in chosen.items()}


def suiting(plan: Plan) -> list[str]:
    """The backends that a pipeline is written for: those that it declares settings for, and this machine's if it fits there."""
    here = [] if any(stage.accelerated for stage in plan.stages) else ["local"]
    return here + [name for name in known_backends() if name in plan.launchers and name not in here]


def launch_folder(run: Path, name: str) -> Path:
    """Where the files of a submitted run are, and what submitting them left."""
    return run / "launch" / name


def launched(run: Path) -> list[tuple[Backend[Any], Path]]:
    """The backends that a run was submitted to, each with its folder."""
    return [(backend(path.name), path) for path in sorted((run / "launch").glob("*")) if path.is_dir()]


def difference(folder: Path, wanted: Mapping[Path, Rendered]) -> Difference:
    """Compare `folder` with what it should hold; paths are relative to it."""
    stale = [path for path, file in wanted.items() if not _is_as_it_should(folder / path, file)]
    there = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return Difference(tuple(stale), tuple(path for path in there if path not in wanted))


def settle(folder: Path, wanted: Mapping[Path, Rendered], found: Difference) -> None:
    """Write what is stale and remove what is stray."""
    for path in found.stale:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path].text, encoding="utf-8")
        file.chmod(0o755 if wanted[path].executable else 0o644)
    for path in found.stray:
        (folder / path).unlink()


def by_path(rendered: Iterable[Rendered], below: str) -> dict[Path, Rendered]:
    """Files by where they go, all below a folder."""
    return {Path(below, file.path): file for file in rendered}


def _is_as_it_should(path: Path, file: Rendered) -> bool:
    if not path.is_file() or path.read_bytes() != file.text.encode():
        return False
    return os.access(path, os.X_OK) or not file.executable
