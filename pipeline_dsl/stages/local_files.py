"""Files that a user already has, pinned by what is in them."""

from collections.abc import Iterator
from pathlib import Path

from pipeline_dsl.base.digest import digest_file, digest_plain
from pipeline_dsl.base.fault import DigestMismatch, StageFailed, UnsafePath
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import Source
from pipeline_dsl.lang.fields import execution
from pipeline_dsl.lang.label import Terms
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages.fetching.licence import licence_fault
from pipeline_dsl.stages.fetching.patterns import is_notice, matches, unmatched


class LocalFiles(Stage[Source]):
    """Files below a folder of this machine, or one file.

    `digest` pins the paths and the bytes of all files that are kept. Leave it out once, and `pdsl check` says what to write.
    A relative `path` starts at the folder that pdsl is started in.
    """

    external = True

    path: str
    files: tuple[str, ...] = ("**",)
    """Glob patterns of paths below the folder; `*` stays within a folder, `**` does not. Each must fit a file."""
    digest: str = ""
    licence: str
    """SPDX expression, `LicenseRef-...` for a licence that has no identifier there."""
    terms: Terms | None = execution(default=None)
    """What the licence allows, where its identifier does not say."""
    personal: bool = execution(default=False)
    """Whether the files tell about people: addresses, telephone numbers, what they wrote in private."""
    origin: str = "local"
    """Where the files are from, for the record."""

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(1))

    def problems(self) -> Iterator[Problem]:
        if not self.path:
            yield Problem("path", "no path says where the files lie", 'write path="data/letters"')
        elif not self.digest:
            try:
                help = f'write digest="{tree_digest(self._kept())}", which is what lies there now'
            except (StageFailed, UnsafePath, OSError) as error:
                help = f"{error}"
            yield Problem("digest", "nothing pins what is in the files", help)
        fault = licence_fault(self.licence)
        if fault:
            yield Problem("licence", fault, 'an SPDX expression such as "CC0-1.0" or "LicenseRef-ours"')

    def run(self, work: Workspace) -> Source:
        import shutil

        kept = self._kept()
        for path, file in kept.items():
            target = work.output / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        # The copies are what is digested: the originals may change under our hands.
        digest = tree_digest({path: work.output / path for path in kept})
        if digest != self.digest:
            help = f'if what lies there now is what you mean, write digest="{digest}"'
            raise DigestMismatch(f"the files at `{self.path}` are not the ones pinned as {self.digest or 'nothing'}", help=help)
        return Source(origin=self.origin, licence=self.licence, digest=digest)

    def _kept(self) -> dict[str, Path]:
        """The files that the patterns keep, and legal notices, by their path below the folder, sorted."""
        root = Path(self.path)
        if not root.exists():
            raise StageFailed(f"nothing lies at `{self.path}`", help=f"a relative path starts at {Path.cwd()}")
        if root.is_file():
            return {root.name: root}
        found = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if file.is_symlink() or file.is_file()}
        missing = unmatched(self.files, found)
        if missing:
            raise StageFailed(f"no file below `{self.path}` fits `{missing[0]}`", help=f"{len(found)} files lie there")
        kept = {path: found[path] for path in sorted(found) if is_notice(path) or any(matches(path, pattern) for pattern in self.files)}
        for path, file in kept.items():
            if file.is_symlink():
                raise UnsafePath(f"`{path}` is a link", help="put the file itself there, or leave it out of `files`")
        return kept


def tree_digest(files: dict[str, Path]) -> str:
    """One digest of many files: of their paths and their own digests.

    Raises: OSError.
    """
    return digest_plain({path: digest_file(file) for path, file in files.items()})
