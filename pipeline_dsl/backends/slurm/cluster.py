"""Submitting to Slurm, and reading what it says: `scontrol` first, since some sites have no accounting; `sacct` for what it forgot."""

import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline_dsl.base.fault import ClusterFailed
from pipeline_dsl.render.cluster import Cluster, Job, State, live

_PATIENCE = 60.0
"""Seconds that a cancelled job gets to end."""

_NO_SUCH_JOB = ("Invalid job id", "not found")
"""What `scontrol` says of a job that has long ended, and of an element that ended unstarted while others go on; of no other trouble."""

_STATES: Mapping[str, State] = {
    "PENDING": "waiting",
    "REQUEUED": "waiting",
    "REQUEUE_HOLD": "waiting",
    "PREEMPTED": "waiting",  # it is put back into the queue, unless the job forbids it
    "CONFIGURING": "running",
    "RUNNING": "running",
    "COMPLETING": "running",
    "SUSPENDED": "running",
    "COMPLETED": "done",
    "CANCELLED": "cancelled",
}


class SlurmJobs(Cluster):
    """The jobs of one plan. A job is known by its number and its comment, since a controller that lost its state gives numbers again."""

    def submit(self, folder: Path, *, done: Sequence[str], environment: Mapping[str, str], dry_run: bool) -> str:
        command = ["bash", str(folder / "submit.sh"), *(["--dry-run"] if dry_run else [])]
        command += [word for stage in done for word in ("--done", stage)]
        code, said, complained = _to_its_end(command, environment)
        if code:
            raise ClusterFailed(
                f"nothing was submitted: {complained.strip()}", help="no job was left behind; mend what it says, and submit again"
            )
        return said

    def jobs(self, folder: Path) -> list[Job]:
        return [_job(stage, number, tag) for stage, number, tag in _submitted(folder)]

    def log(self, folder: Path, stage: str) -> Path | None:
        written = re.compile(rf"{re.escape(stage)}-\d+(_\d+)?\.log")
        files = [file for file in (folder / "logs").glob(f"{stage}-*.log") if written.fullmatch(file.name) and file.exists()]
        return max(files, key=lambda file: file.stat().st_mtime_ns, default=None)

    def cancel(self, folder: Path) -> list[Job]:
        ended = live(self.jobs(folder))
        if ended:
            _call(["scancel", *(job.number for job in reversed(ended))])  # children first, lest one starts when its parent goes
        until = time.monotonic() + _PATIENCE
        while left := live(self.jobs(folder)):
            if time.monotonic() > until:
                names = ", ".join(job.stage for job in left)
                raise ClusterFailed(f"{names} still run a minute after scancel", help="look at `squeue`")
            time.sleep(0.5)
        return ended


def _submitted(folder: Path) -> list[tuple[str, str, str]]:
    """What submit.sh wrote down: of each stage the job's number (`NUMBER_INDEX` in an array), and how the job's comment ends."""
    file = folder / "jobs.tsv"
    if not file.exists():
        return []
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return [(row[0], row[1], row[3]) for row in rows]


def _job(stage: str, number: str, tag: str) -> Job:
    """What became of a job.

    Raises: ClusterFailed if the controller cannot be asked: then nobody knows, and nothing may be taken for ended.
    """
    shown = _call(["scontrol", "-o", "show", "job", number])
    fields = dict(re.findall(r"(\w+)=(\S*)", shown.stdout))
    if shown.returncode == 0 and fields.get("Comment", "").endswith(f":{tag}"):
        return _read(stage, number, fields.get("JobState", ""), fields.get("Reason", ""), fields.get("ExitCode", ""))
    complaint = shown.stderr.strip() or shown.stdout.strip()
    if shown.returncode and not any(said in complaint for said in _NO_SUCH_JOB):
        raise ClusterFailed(f"Slurm does not answer: {complaint}", help="ask from a login node; if this is one, try again")
    try:
        told = _call(["sacct", "-nXP", "-j", number, "-o", "State,Reason,ExitCode,JobName"])
    except ClusterFailed:
        told = None
    line = told.stdout.splitlines()[-1].split("|") if told is not None and told.returncode == 0 and told.stdout.strip() else []
    if len(line) == 4 and line[3].endswith(f"-{tag.partition(':')[2]}"):
        return _read(stage, number, line[0].partition(" ")[0], line[1], line[2])
    return Job(stage=stage, number=number, state="unknown", reason="the scheduler has forgotten it")


def _read(stage: str, number: str, said: str, reason: str, code: str) -> Job:
    state = _STATES.get(said, "failed")
    if reason == "DependencyNeverSatisfied":
        return Job(stage=stage, number=number, state="cancelled", reason="a stage before it failed (DependencyNeverSatisfied)")
    told = "" if reason in ("None", "") else reason
    if state == "failed":
        told = f"{said} {code}".strip()
    return Job(stage=stage, number=number, state=state, reason=told)


def _to_its_end(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """A command's exit code and what it printed. Ctrl-C is left to it, which has jobs to cancel, and raised once it is done.

    Raises: KeyboardInterrupt.
    """
    interrupted = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=environment) as process:
        while True:
            try:
                said, complained = process.communicate()
                break
            except KeyboardInterrupt:
                interrupted = True
                process.send_signal(signal.SIGINT)
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode, said, complained


def _call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError as error:
        raise ClusterFailed(f"`{command[0]}` is not on this machine", help="submit from a login node of the cluster") from error
