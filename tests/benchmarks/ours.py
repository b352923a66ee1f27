"""`pdsl` as it is measured: cold processes in a folder of their own."""

import os
import shutil
import sys
from pathlib import Path

import attrs

from tests.benchmarks.usage import Usage, measure
from tests.command import ROOT


def environment() -> dict[str, str]:
    """This process's environment, with the repository's code first.

    Byte code is kept, as it is wherever a package was installed: else our modules are compiled at each start, and the others' are not.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


def python(code: str, cwd: Path) -> Usage:
    """A Python program given as text, with the interpreter and environment that `pdsl` runs in."""
    return measure([sys.executable, "-c", code], cwd=cwd, environment=environment())


@attrs.frozen
class Ours:
    """One pipeline file, in a folder that also holds its store."""

    file: Path

    def __call__(self, command: str, *options: str) -> Usage:
        """`pdsl COMMAND FILE`."""
        words = [sys.executable, "-m", "pipeline_dsl", command, self.file, *options]
        return measure(words, cwd=self.file.parent, environment=environment())

    def forget(self) -> None:
        """Remove all that earlier runs made."""
        shutil.rmtree(self.file.parent / ".pdsl", ignore_errors=True)
