"""What it costs to render launchers, and what a launcher costs beside the same command submitted by hand."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.backends.cluster import NoSlurm, SlurmCluster, slurm
from tests.benchmarks.graphs import LLM, write_pdsl, write_sweep
from tests.benchmarks.ours import Ours, environment
from tests.benchmarks.table import Row, absent, at_most
from tests.benchmarks.usage import Failed, Usage, alternate, cpu, middle, ratio, reap, wall
from tests.command import demo as copy_demo

COMMAND = (sys.executable, "-m", "pipeline_dsl")


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Compiling beside checking; a job and its submission beside a plain `sbatch`."""
    demo = Ours(copy_demo(folder))
    yield _compiled("compile pipelines/tiny.py for all backends, CPU", demo, 2.0, rounds, "local", "slurm", "k8s")
    yield _compiled("compile 1,000 stages for Slurm, CPU", Ours(write_sweep(folder / "thousand", 1000)), 5.0, rounds, "slurm")
    if os.geteuid() != 0:
        yield absent("a stage on Slurm beside sbatch by hand", "a Slurm of one's own needs root")
        return
    scripts = _rendered(folder / "submitted")  # before there are daemons: a measured command is waited for with all that it leaves
    try:
        with slurm() as cluster:
            yield from _submitted(scripts, cluster, rounds)
    except NoSlurm as reason:
        yield absent("a stage on Slurm beside sbatch by hand", str(reason))
    reap(patience=30)  # the cluster's daemons, of which this process is the parent


def _compiled(what: str, pipeline: Ours, limit: float, rounds: int, *backends: str) -> Row:
    options = [word for backend in backends for word in ("--backend", backend)]

    def compiled() -> Usage:
        return pipeline("compile", *options, "--out", "fresh")

    cases = {"compile": compiled, "check": lambda: pipeline("check")}
    alternate(cases, 1)  # the first start writes byte code
    runs = alternate(cases, rounds)
    return at_most(
        what,
        f"{middle(runs['compile'], cpu):.2f} s",
        f"{middle(runs['check'], cpu):.2f} s to check",
        ratio(runs["compile"], runs["check"], cpu),
        limit,
    )


def _rendered(folder: Path) -> Path:
    """The scripts of twelve stages that do nothing."""
    file = write_pdsl(folder, LLM)
    text = file.read_text().replace("import Pipeline", "import Pipeline, Slurm")
    ours = f"Slurm(command={COMMAND!r}, variables=('PYTHONPATH',))"
    file.write_text(text.replace("targets=[", f"launchers=[{ours}], targets=["))
    Ours(file)("compile", "--backend", "slurm", "--out", "out")
    return folder / "out" / "measured" / "slurm"


def _submitted(scripts: Path, cluster: SlurmCluster, rounds: int) -> Iterator[Row]:
    """One stage in a job of ours and in one by hand, by the clock inside the job; then what submitting takes, job for job."""
    folder = scripts.parents[2]
    stage = LLM[0][0]
    where = {"PDSL_PROJECT": folder, "PDSL_JOBS": folder / "jobs", "PDSL_PLAN": scripts / "plan.json", "PDSL_STORE": folder / "store"}
    (folder / "jobs").mkdir()
    known = {**environment(), **cluster.environment, **{name: str(path) for name, path in where.items()}}
    by_hand = f"{shlex.join(COMMAND)} stage run {stage} --plan {where['PDSL_PLAN']} --store {where['PDSL_STORE']}"

    def job(line: str) -> Callable[[], Usage]:
        def run() -> Usage:
            shutil.rmtree(where["PDSL_STORE"], ignore_errors=True)
            for name in ("began", "ended"):
                (folder / name).unlink(missing_ok=True)
            timed = f"cd {folder}; date +%s.%N > began; {line} && date +%s.%N > ended"
            _call("sbatch", "--output=job.log", f"--wrap={timed}", cwd=folder, environment=known)
            end = time.monotonic() + 120
            while not (folder / "ended").exists() or not (folder / "ended").read_text():
                assert time.monotonic() < end, (folder / "job.log").read_text()
                time.sleep(0.05)
            return Usage(float((folder / "ended").read_text()) - float((folder / "began").read_text()), 0.0, 0, 0)

        return run

    cases = {"ours": job(f"bash {scripts / stage}.sh"), "hand": job(by_hand)}
    alternate(cases, 1)
    runs = alternate(cases, 2 * rounds)
    yield at_most(
        "one no-op stage in its Slurm job, wall clock",
        f"{middle(runs['ours'], wall):.2f} s",
        f"{middle(runs['hand'], wall):.2f} s by hand, without srun",
        ratio(runs["ours"], runs["hand"], wall),
        1.5,
    )
    yield _requests(folder, scripts, known, rounds)


def _requests(folder: Path, scripts: Path, known: dict[str, str], rounds: int) -> Row:
    """`submit.sh` beside as many times `sbatch`; all jobs are held or wait, and are cancelled."""
    jobs = len(LLM) + 1

    def cancelled(line: str) -> Usage:
        start = time.monotonic()
        _call("bash", "-euc", line, cwd=folder, environment=known)
        used = time.monotonic() - start
        _call("scancel", "--user=root", cwd=folder, environment=known)
        return Usage(used, 0.0, 0, 0)

    plain = f"for i in $(seq {jobs}); do sbatch --hold --output=/dev/null --wrap=true; done"
    runs = alternate({"ours": lambda: cancelled(str(scripts / "submit.sh")), "hand": lambda: cancelled(plain)}, rounds)
    return at_most(
        f"submit {jobs} jobs as a graph, wall clock",
        f"{middle(runs['ours'], wall):.2f} s",
        f"{middle(runs['hand'], wall):.2f} s for as many sbatch",
        ratio(runs["ours"], runs["hand"], wall),
        2.0,
    )


def _call(*command: str, cwd: Path, environment: dict[str, str]) -> None:
    """Run a command; what runs in the cluster meanwhile is not counted, and not waited for."""
    ended = subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Failed(f"{' '.join(command)}: exit {ended.returncode}\n{ended.stderr}")
