"""Stages of the examples run at a desk: in a folder each, without a store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl import Artifact, Ref, Stage

A = TypeVar("A", bound=Artifact)


class Desk:
    """A `Workspace` of a stage of data, whose inputs lie in the folders given."""

    def __init__(self, folder: Path, inputs: "Mapping[Ref[Any], tuple[Path, Artifact]]") -> None:
        self.output = folder / "output"
        self.scratch = folder / "scratch"
        for part in (self.output, self.scratch):
            part.mkdir(parents=True)
        self.seed = 0
        self.threads = 1
        self._inputs = inputs

    def path(self, ref: Ref[Any]) -> Path:
        """The folder of an input."""
        return self._inputs[ref][0]

    def meta(self, ref: Ref[A]) -> A:
        """The metadata of an input."""
        return self._inputs[ref][1]  # pyright: ignore[reportReturnType]


def run(stage: Stage[A], folder: Path, inputs: "Mapping[Ref[Any], tuple[Path, Artifact]]") -> tuple[Path, A]:
    """Run a stage of data in a new folder; what it made, and its metadata."""
    desk = Desk(folder, inputs)
    made = stage.run(desk)  # pyright: ignore[reportArgumentType]
    assert [*type(made).check(desk.output)] == []
    return desk.output, made
