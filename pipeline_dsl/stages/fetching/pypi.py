"""Wheels of the Python package index, fetched by pip itself."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import DigestMismatch, MissingLibrary, StageFailed

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"([0-9]+!)?[0-9]+(\.[0-9]+)*([._-]?(a|b|rc|post|dev)[0-9]+)*(\+[a-z0-9.]+)?"


@attrs.frozen(kw_only=True)
class Pypi:
    """One wheel, pinned by its sha256 (64 hexadecimal digits).

    Source distributions are not taken: to read their metadata, pip would run their code.
    """

    name: str
    version: str
    sha256: str

    leading = 0
    """Folders that every path of an archive starts with: a wheel has none."""

    @property
    def origin(self) -> str:
        """Where the files are from, as one word."""
        return f"pypi:{self.name}@{self.version}"

    def faults(self) -> Iterator[str]:
        """What keeps this from naming one version of a package."""
        if not re.fullmatch(_NAME, self.name):
            yield f"`{self.name}` is no name of a Python package"
        if not re.fullmatch(_VERSION, self.version):
            yield f"`{self.version}` is not one exact version, such as 1.2.3"

    def fetch(self, into: Path) -> Path:
        """Download the wheel that has the pinned digest, without installing it.

        Raises: MissingLibrary without pip; DigestMismatch if no wheel of that version has the digest; StageFailed with pip's
        own words if pip cannot.
        """
        import importlib.util
        import subprocess

        if importlib.util.find_spec("pip") is None:
            raise MissingLibrary("pip is not installed", help="python -m ensurepip")
        into = into.resolve()
        pinned = into / "requirements.txt"
        pinned.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        command += ["--require-hashes", "--dest", str(into), "--requirement", str(pinned)]
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
        found = sorted(into.glob("*.whl"))
        if done.returncode or not found:
            if "DO NOT MATCH THE HASHES" in done.stderr:
                got = re.search(r"Got\s+([0-9a-f]{64})", done.stderr)
                help = f"the registry's wheel has sha256 {got[1]}" if got else done.stderr[-500:]
                raise DigestMismatch(f"no wheel of {self.origin} has the sha256 {self.sha256}", help=help)
            absent = "No matching distribution" in done.stderr
            what = f"the registry has no wheel {self.origin} for this Python" if absent else f"pip could not fetch {self.origin}"
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise StageFailed(what, help="\n".join(said[:6]) or done.stderr[-500:])
        return found[0]
