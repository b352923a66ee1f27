"""`pdsl` as a person runs it: a process of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The repository."""


def demo(folder: Path) -> Path:
    """Copy the repository's pipelines into `folder`; the path of the demo's file there."""
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__", ".pdsl"))
    return folder / "pipelines" / "tiny.py"


def run(argv: Sequence[str | Path], *, cwd: Path, timeout: float = 300, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, its output captured; `environment` is added to this process's."""
    return subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def pdsl(*arguments: str | Path, cwd: Path, timeout: float = 300, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `pdsl` with the interpreter and the code of this test run."""
    return run([sys.executable, "-m", "pipeline_dsl", *arguments], cwd=cwd, timeout=timeout, **environment)
