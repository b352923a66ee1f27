"""What runs a backend's files: submitting a plan, asking how far it is, ending it. The same words for every backend."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import attrs

from pipeline_dsl.base.fault import Usage

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

    own_store: ClassVar[bool] = False
    """Whether its stages write to a store of its own, so that what is done here is not done there."""

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

    def node_log(self, folder: Path, stage: str, node: int) -> Path | None:
        """The same of one node of a stage that takes several, counted from 0.

        Raises: Usage where all of them write to one file.
        """
        if node:
            raise Usage("all nodes of a stage write to one log here", help="leave `--node` out")
        return self.log(folder, stage)

    def cancel(self, folder: Path) -> list[Job]:
        """End every job that has not ended; returns those. Nothing of them runs when this returns."""
        raise NotImplementedError


def live(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that have not ended."""
    return [job for job in jobs if job.state in ("waiting", "running")]
