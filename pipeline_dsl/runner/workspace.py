"""The workspace of a running stage, on this machine."""

import importlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.digest import Digest
from pipeline_dsl.base.fault import MissingLibrary, WrongArtifact
from pipeline_dsl.lang.artifact import Artifact, kind_name
from pipeline_dsl.lang.fields import StageType
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.ml.launch import launch
from pipeline_dsl.ml.rank import write_progress
from pipeline_dsl.plan.plan import leaves
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree

A = TypeVar("A", bound=Artifact)


class LocalWorkspace:
    """A `Workspace` in a folder: `output/`, `scratch/`, `inputs/<stage>/` and `progress.json`."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        seed: int,
        threads: int,
        names: Mapping[Ref[Any], str],
        trees: Mapping[str, Tree],
        digests: Mapping[str, str],
        kinds: Mapping[str, type[Artifact]],
    ) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.scratch = folder / "scratch"
        self.seed = seed
        self.threads = threads
        self.libraries: dict[str, str] = {}
        self._store = store
        self._names = names
        self._trees = trees
        self._digests = digests
        self._kinds = kinds

    def path(self, ref: Ref[Any]) -> Path:
        """The folder of an input, read-only, its bytes verified."""
        name = self._names[ref]
        folder = self.folder / "inputs" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            self._store.open_folder(self._digests[name], folder)
        return folder

    def meta(self, ref: Ref[A]) -> A:
        """The metadata of an input."""
        name = self._names[ref]
        kind: Any = self._kinds[name]
        return structure(self._trees[name].meta, kind, what=f"the metadata of `{name}`")

    def digest(self, ref: Ref[Any]) -> Digest:
        """The content digest of an input."""
        return Digest(self._digests[self._names[ref]])

    def library(self, name: str) -> Any:
        """Import a library and note its version.

        Raises: MissingLibrary.
        """
        from importlib import metadata

        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and error.name.partition(".")[0] == name.partition(".")[0]:
                raise MissingLibrary(f"this stage needs `{name}`, which is not installed", help=_how_to_install(name)) from error
            raise
        top = name.partition(".")[0]
        try:
            distributions = _distributions().get(top, [top])
            self.libraries[distributions[0]] = metadata.version(distributions[0])
        except metadata.PackageNotFoundError:
            self.libraries[top] = "unknown"
        return module

    def progress(self, step: int, total: int, **figures: float) -> None:
        """Tell whoever watches how far the stage is."""
        write_progress(self.folder / "progress.json", step, total, figures)

    def launch(self, target: str, config: Mapping[str, Any], *, processes: int) -> None:
        """Run `module:function` in `processes` processes and wait.

        Raises: StageFailed.
        """
        self.libraries |= launch(
            target,
            config,
            processes=processes,
            threads=self.threads,
            folder=self.scratch,
            progress_file=self.folder / "progress.json",
        )


def check_inputs(described: StageType, inputs: Mapping[str, Any], trees: Mapping[str, Tree], kinds: Mapping[str, type[Artifact]]) -> None:
    """Hold what is in the store to what the stage's fields read.

    Raises: WrongArtifact.
    """
    for field in described.inputs:
        for name in leaves(inputs.get(field.name)):
            kind = kinds[name]
            if trees[name].kind != kind_name(kind) or not issubclass(kind, field.wanted):
                wanted = " or ".join(item.__name__ for item in field.wanted)
                raise WrongArtifact(f"`{field.name}` reads {wanted}; the store has a {trees[name].kind} for `{name}`")


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Which distributions bring which top-level modules; read once, since it opens a file of each one installed."""
    from importlib import metadata

    return metadata.packages_distributions()


def _how_to_install(name: str) -> str:
    """The `pip install` line for a library: the extra of ours that brings it, if one does."""
    from importlib import metadata

    top = name.partition(".")[0].replace("_", "-").lower()
    try:
        for requirement in metadata.requires("pdsl") or ():
            bare, _, marker = requirement.partition(";")
            distribution = re.split(r"[^\w.-]", bare.strip())[0].replace("_", "-").lower()
            if (distribution == top or distribution.endswith(f"-{top}")) and "extra ==" in marker:
                extra = marker.split("extra ==")[1].strip(" '\"")
                return f"pip install 'pdsl[{extra}]'"
    except metadata.PackageNotFoundError:
        return f"pip install {top}"
    return f"pip install {top}"
