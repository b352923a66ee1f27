"""A controller that does not answer: nothing is taken for ended, and what the store knows is still shown."""

import os
from pathlib import Path

import pytest

from pipeline_dsl.backends.slurm.cluster import SlurmJobs
from pipeline_dsl.base.fault import ClusterFailed

DOWN = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
GONE = "slurm_load_jobs error: Invalid job id specified"


def submitted(folder: Path, monkeypatch: pytest.MonkeyPatch, complaint: str) -> Path:
    """A submission of one job, and a Slurm that only complains."""
    (folder / "jobs.tsv").write_text("01_step\t7\t0\ttiny:01_step\n")
    for program in ("scontrol", "sacct", "scancel"):
        script = folder / "bin" / program
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 1\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    return folder


def test_a_controller_that_is_down_is_no_end_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = submitted(tmp_path, monkeypatch, DOWN)

    with pytest.raises(ClusterFailed, match="does not answer: .*Unable to contact"):
        SlurmJobs().jobs(folder)
    with pytest.raises(ClusterFailed, match="does not answer"):
        SlurmJobs().cancel(folder)


def test_a_job_that_the_controller_has_forgotten_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = SlurmJobs().jobs(submitted(tmp_path, monkeypatch, GONE))

    assert (job.state, job.reason) == ("unknown", "the scheduler has forgotten it")
