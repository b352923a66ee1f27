"""Stages run one by one, in folders of a test: the store and the plan left out, the libraries real."""

import importlib
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl.base.canonical import plain
from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.stage import Ref, Stage, stage_type
from pipeline_dsl.stages.local_files import tree_digest

A = TypeVar("A", bound=Artifact)


class Workbench:
    """Runs stages, and is the workspace of each; what one made is the input of the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seed = 0
        self.threads = 1
        self.output = self.scratch = folder
        self._done: dict[Ref[Any], tuple[Path, Artifact]] = {}

    def run(self, stage: Stage[A], *, seed: int = 0) -> A:
        """Run a stage that declares nothing wrong, and check what it made."""
        assert [problem.message for problem in stage.problems()] == []
        self.seed = seed
        place = self.folder / f"{len(self._done):02d}_{type(stage).__name__}"
        self.output, self.scratch = place / "output", place / "scratch"
        self.output.mkdir(parents=True)
        self.scratch.mkdir(exist_ok=True)
        made = stage.run(self)
        assert list(type(made).check(self.output)) == []
        self._done[stage] = self.output, made
        return made

    def give(self, artifact: A, files: dict[str, str | bytes]) -> Ref[A]:
        """An input that no stage made."""
        ref: Ref[A] = Ref()
        place = self.folder / f"{len(self._done):02d}_given"
        for path, content in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(content.encode() if isinstance(content, str) else content)
        self._done[ref] = place, artifact
        return ref

    def path(self, ref: Ref[Any]) -> Path:
        return self._done[ref][0]

    def meta(self, ref: Ref[A]) -> A:
        return self._done[ref][1]  # pyright: ignore[reportReturnType]

    def digest(self, ref: Ref[Any]) -> Digest:
        folder = self.path(ref)
        return Digest(tree_digest({file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}))

    def library(self, name: str) -> Any:
        return importlib.import_module(name)

    def progress(self, step: int, total: int, **figures: float) -> None:
        assert 0 <= step <= max(total, step)

    def launch(self, target: str, config: Any, *, processes: int) -> None:
        raise AssertionError("no stage of data starts other processes")

    def files(self, ref: Ref[Any]) -> dict[str, bytes]:
        """Everything that a stage made, by path."""
        folder = self.path(ref)
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def revived(stage: Stage[Any]) -> dict[str, Any]:
    """The identity fields of a stage after a journey through a plan."""
    described = stage_type(type(stage))
    return {field.name: structure(plain(getattr(stage, field.name)), field.hint, what=field.name) for field in described.identity}


def declared(stage: Stage[Any]) -> dict[str, Any]:
    """The identity fields of a stage as they were declared."""
    return {field.name: getattr(stage, field.name) for field in stage_type(type(stage)).identity}


def messages(stage: Stage[Any]) -> str:
    """What a stage says against its own declaration."""
    return "\n".join(f"{problem.field}: {problem.message}; {problem.help}" for problem in stage.problems())


def definition(stage: Stage[Any]) -> str:
    """A digest of a stage's identity fields."""
    return digest_plain({name: plain(value) for name, value in declared(stage).items()})
