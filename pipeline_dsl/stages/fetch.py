"""Files as somebody published them: a pinned package of a registry."""

import re
from collections.abc import Iterator

from pipeline_dsl.base.fault import DigestMismatch
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import Source
from pipeline_dsl.lang.fields import Count, execution
from pipeline_dsl.lang.label import Terms
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages.fetching.licence import licence_fault
from pipeline_dsl.stages.fetching.npm import Npm
from pipeline_dsl.stages.fetching.pypi import Pypi


class Fetch(Stage[Source]):
    """Fetch one package by its registry's own client, and keep some of its files.

    The archive must have the pinned sha256, so that what is learnt from is what was meant. Files keep the paths that they
    have in the package; licence and notice files are always kept with them.
    """

    external = True

    package: Npm | Pypi
    files: tuple[str, ...] = ("**",)
    """Glob patterns of paths inside the package; `*` stays within a folder, `**` does not. Each must fit a file."""
    licence: str
    """SPDX expression of what is kept, `LicenseRef-...` for a licence that has no identifier there."""
    terms: Terms | None = execution(default=None)
    """What the licence allows, where its identifier does not say."""
    personal: bool = execution(default=False)
    """Whether the files tell about people: addresses, telephone numbers, what they wrote in private."""
    limit: Count = 4 * 2**30
    """Bytes that the kept files may take."""

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(10))

    def problems(self) -> Iterator[Problem]:
        for fault in self.package.faults():
            yield Problem("package", fault)
        if not re.fullmatch(r"[0-9a-f]{64}", self.package.sha256):
            help = "64 hexadecimal digits, as `sha256sum` prints for the archive"
            yield Problem("package", f"`{self.package.sha256}` is no sha256", help)
        if not self.files:
            yield Problem("files", "no pattern says which files to keep", 'write files=("data/*.txt",), or ("**",) for all')
        fault = licence_fault(self.licence)
        if fault:
            yield Problem("licence", fault, 'an SPDX expression such as "CC0-1.0" or "LicenseRef-WordNet"')

    def run(self, work: Workspace) -> Source:
        import hashlib
        import shutil

        from pipeline_dsl.stages.fetching.archive import extract

        folder = work.scratch / "archive"
        if folder.exists():  # an attempt was killed here
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        archive = self.package.fetch(folder)
        with archive.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != self.package.sha256:
            help = f"the registry's archive has sha256 {digest}: if that is the one you mean, pin it"
            raise DigestMismatch(f"{self.package.origin} is not the archive pinned as {self.package.sha256}", help=help)
        extract(archive, self.files, work.output, strip=self.package.leading, limit=self.limit)
        return Source(origin=self.package.origin, licence=self.licence, digest=f"sha256:{digest}")
