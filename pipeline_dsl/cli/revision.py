"""A pipeline as it was at another revision of its git repository, compiled in a process of its own."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pipeline_dsl
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan


def cost_at(revision: str, target: str, options: Sequence[str]) -> dict[str, Any]:
    """What `pdsl cost TARGET --json` says of the target as it was at `revision`. It need not pass the checks.

    Raises: Usage if there is no such revision or file, or if it did not compile then.
    """
    file = Path(target).resolve()
    if file.suffix != ".py" or not file.is_file():
        raise Usage(f"`--against` needs the file of a pipeline, not {target}", help="name the `.py` file")
    root = repository(file.parent, target)
    with unpacked(revision, root, file.relative_to(root).as_posix()) as (folder, inside):
        said = _ask(folder, ["cost", inside, "--json", *options], f"{inside} cannot be costed as it was at {revision}")
    return json.loads(said)


def plan_at(revision: str, file: str, root: Path) -> Plan:
    """The plan of a pipeline as it was at `revision`; `file` is its path in the repository at `root`.

    Raises: Usage if there is no such revision or file, or if it did not pass the checks then.
    """
    with unpacked(revision, root, file) as (folder, inside):
        said = _ask(folder, ["plan", inside, "--out", str(folder / _PLAN), "--store", str(folder / _STORE)], _unsound(inside, revision))
        if not (folder / _PLAN).exists():
            raise AssertionError(said)
        return plans.read(folder / _PLAN)


_PLAN, _STORE = ".pdsl-revision.json", ".pdsl-revision"


def _unsound(inside: str, revision: str) -> str:
    return f"{inside} does not compile as it was at {revision}"


def repository(folder: Path, what: str) -> Path:
    """The root of the git repository that a folder is in.

    Raises: Usage.
    """
    return Path(_git(["rev-parse", "--show-toplevel"], folder, f"{what} is in no git repository").strip()).resolve()


def is_revision(text: str, folder: Path) -> bool:
    """Whether a repository knows a revision of that name."""
    try:
        _git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"], folder, "")
    except Usage:
        return False
    return True


def was_there(revision: str, root: Path, inside: str) -> bool:
    """Whether a file was in the repository at a revision."""
    try:
        _git(["cat-file", "-e", f"{revision}:{inside}"], root, "")
    except Usage:
        return False
    return True


def content_at(revision: str, file: str, root: Path) -> bytes:
    """What a file of the repository at `root` held at a revision.

    Raises: Usage if there is no such revision or file.
    """
    if not is_revision(revision, root):
        raise Usage(f"there is no revision `{revision}` here")
    run = subprocess.run(["git", "cat-file", "blob", f"{revision}:{file}"], cwd=root, stdin=subprocess.DEVNULL, capture_output=True)
    if run.returncode:
        raise Usage(f"{file} did not exist at {revision}", help=run.stderr.decode(errors="replace").strip().removeprefix("fatal: "))
    return run.stdout


@contextmanager
def unpacked(revision: str, root: Path, inside: str) -> Generator[tuple[Path, str]]:
    """The repository's files as they were at `revision`, in a temporary folder; the working tree is not touched.

    What reads them is this very pdsl, with the same catalogue, so what differs comes from the declaration.
    Raises: Usage if there is no such revision or file.
    """
    said = f"there is no revision `{revision}` here"
    commit = _git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], root, said).strip()
    _git(["cat-file", "-e", f"{commit}:{inside}"], root, f"{inside} did not exist at {revision}")
    with tempfile.TemporaryDirectory(prefix="pdsl-revision-") as temporary:
        folder = Path(temporary).resolve()
        with tarfile.open(fileobj=io.BytesIO(_archive(root, commit))) as packed:
            packed.extractall(folder, filter="data")
        yield folder, inside


def _ask(folder: Path, words: Sequence[str], otherwise: str) -> str:
    """What pdsl prints in that folder, in a process of its own. Faults that leave an answer are no concern here."""
    ours = str(Path(pipeline_dsl.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline_dsl", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if not run.stdout:
        reason = run.stderr.replace(f"{folder}{os.sep}", "").strip()
        raise Usage(f"{otherwise}:\n{reason}", help="choose a revision that this pdsl can read")
    return run.stdout


def _git(arguments: Sequence[str], folder: Path, otherwise: str) -> str:
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Usage("a revision needs git, which is not installed") from error
    if run.returncode:
        raise Usage(otherwise, help=run.stderr.strip().removeprefix("fatal: "))
    return run.stdout


def _archive(root: Path, commit: str) -> bytes:
    run = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, stdin=subprocess.DEVNULL, capture_output=True)
    if run.returncode:
        raise Usage(f"git cannot unpack {commit[:12]}", help=run.stderr.decode(errors="replace").strip())
    return run.stdout
