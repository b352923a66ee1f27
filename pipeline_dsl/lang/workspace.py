"""What a running stage may see and do."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pipeline_dsl.base.digest import Digest
    from pipeline_dsl.lang.artifact import Artifact
    from pipeline_dsl.lang.stage import Ref

A = TypeVar("A", bound="Artifact")


class Workspace(Protocol):
    """The world of one stage while it runs. Nothing outside it may decide the result."""

    @property
    def output(self) -> Path:
        """An empty folder, which becomes the artifact."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder that outlives a killed attempt at the same work: checkpoints go here. Gone once the stage succeeds."""
        ...

    @property
    def seed(self) -> int:
        """The stage's own seed, or the pipeline's."""
        ...

    @property
    def threads(self) -> int:
        """Cores that the stage may keep busy."""
        ...

    def path(self, ref: "Ref[Any]") -> Path:
        """The folder of an input, read-only, its bytes verified."""
        ...

    def meta(self, ref: "Ref[A]") -> A:
        """The metadata of an input."""
        ...

    def digest(self, ref: "Ref[Any]") -> "Digest":
        """The content digest of an input."""
        ...

    def library(self, name: str) -> Any:
        """Import a library and note its version in the record.

        Raises: MissingLibrary, naming what to install.
        """
        ...

    def progress(self, step: int, total: int, **figures: float) -> None:
        """Tell whoever watches how far the stage is; figures such as `loss` are shown beside it."""
        ...

    def launch(self, target: str, config: Mapping[str, Any], *, processes: int) -> None:
        """Run `module:function` in `processes` processes that know their rank, by torchrun, and wait.

        The function is called with a `Rank`, from `pipeline_dsl.ml.rank`, that carries `config`.
        Raises: StageFailed, with the tail of the log of the rank that failed first.
        """
        ...
