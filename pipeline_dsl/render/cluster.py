"""What runs a backend's files: submitting a plan, asking how far it is, ending it. The same words for every backend."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs

State = Literal["waiting", "running", "done", "failed", "cancelled", "unknown"]


@attrs.frozen(kw_only=True)
class Job:
    """What a scheduler knows of a stage: its number there, its state, and the scheduler's own reason for it."""

    stage: str
    number: str
    state: State
    reason: str = ""


class Cluster:
    """One kind of scheduler. `folder` holds a plan's rendered files, and what submitting them left."""

    def submit(self, folder: Path, *, done: Sequence[str], environment: Mapping[str, str], dry_run: bool) -> str:
        """Submit every stage that is not `done`; returns what was created, or would be, as text.

        Nothing is left behind where it fails. Raises: ClusterFailed.
        """
        raise NotImplementedError

    def jobs(self, folder: Path) -> list[Job]:
        """What became of what was submitted from `folder`, in the order of submission; empty if nothing was."""
        raise NotImplementedError

    def log(self, folder: Path, stage: str) -> Path | None:
        """The file that a stage's newest job writes to."""
        raise NotImplementedError

    def cancel(self, folder: Path) -> list[Job]:
        """End every job that has not ended; returns those. Nothing of them runs when this returns."""
        raise NotImplementedError


def live(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that have not ended."""
    return [job for job in jobs if job.state in ("waiting", "running")]
