"""A pipeline as it was at another revision of its git repository, compiled in a process of its own."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pipeline_dsl
from pipeline_dsl.base.fault import Usage


def cost_at(revision: str, target: str, options: Sequence[str]) -> dict[str, Any]:
    """What `pdsl cost TARGET --json` says of the target as it was at `revision`.

    The repository's files of that revision are unpacked into a temporary folder: the working tree is not touched. This very pdsl
    reads them, with the same catalogue and options, so what differs comes from the declaration. It need not pass the checks.

    Raises: Usage if there is no such revision or file, or if it did not compile then.
    """
    file = Path(target).resolve()
    if file.suffix != ".py" or not file.is_file():
        raise Usage(f"`--against` needs the file of a pipeline, not {target}", help="name the `.py` file")
    root = Path(_git(["rev-parse", "--show-toplevel"], file.parent, f"{target} is in no git repository").strip()).resolve()
    said = f"there is no revision `{revision}` here"
    commit = _git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], root, said).strip()
    inside = file.relative_to(root).as_posix()
    _git(["cat-file", "-e", f"{commit}:{inside}"], root, f"{inside} did not exist at {revision}")
    with tempfile.TemporaryDirectory(prefix="pdsl-revision-") as temporary:
        folder = Path(temporary).resolve()
        with tarfile.open(fileobj=io.BytesIO(_archive(root, commit))) as packed:
            packed.extractall(folder, filter="data")
        return _cost(folder, inside, revision, options)


def _cost(folder: Path, inside: str, revision: str, options: Sequence[str]) -> dict[str, Any]:
    ours = str(Path(pipeline_dsl.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline_dsl", "cost", inside, "--json", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if not run.stdout:  # faults that leave the costs known are no concern here
        reason = run.stderr.replace(f"{folder}{os.sep}", "").strip()
        raise Usage(f"{inside} cannot be costed as it was at {revision}:\n{reason}", help="choose a revision that this pdsl can read")
    return json.loads(run.stdout)


def _git(arguments: Sequence[str], folder: Path, otherwise: str) -> str:
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Usage("`--against` needs git, which is not installed") from error
    if run.returncode:
        raise Usage(otherwise, help=run.stderr.strip().removeprefix("fatal: "))
    return run.stdout


def _archive(root: Path, commit: str) -> bytes:
    run = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, stdin=subprocess.DEVNULL, capture_output=True)
    if run.returncode:
        raise Usage(f"git cannot unpack {commit[:12]}", help=run.stderr.decode(errors="replace").strip())
    return run.stdout
