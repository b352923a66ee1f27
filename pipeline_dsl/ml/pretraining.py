"""The jobs that pre-training stages launch: one run, or one run after another in the same processes."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.ml.rank import Rank, write_whole
from pipeline_dsl.ml.recipe import Outcome, Recipe
from pipeline_dsl.ml.trainer import train

RUN = "pipeline_dsl.ml.pretraining:run"
SWEEP = "pipeline_dsl.ml.pretraining:sweep"


@attrs.frozen(kw_only=True)
class Run:
    """A recipe, the folder that its checkpoints and its `outcome.json` go to, and where the model goes, if anywhere."""

    recipe: Recipe
    folder: str
    output: str | None = None


def run(rank: Rank) -> None:
    """Train `config["run"]`."""
    job = structure(rank.config["run"], Run, what="the job")
    _train(rank, job, before=0, total=job.recipe.steps)


def sweep(rank: Rank) -> None:
    """Train each of `config["runs"]` that has no outcome yet, in order; progress counts the steps of all."""
    jobs = [structure(entry, Run, what="the job") for entry in rank.config["runs"]]
    total = sum(job.recipe.steps for job in jobs)
    before = 0
    for job in jobs:
        if outcome(Path(job.folder)) is None:
            _train(rank, job, before=before, total=total)
        before += job.recipe.steps


def outcome(folder: Path) -> Outcome | None:
    """How the run in `folder` ended, or None if it has not."""
    file = folder / "outcome.json"
    return structure(json.loads(file.read_text(encoding="utf-8")), Outcome, what=file.name) if file.exists() else None


def config(job: Run) -> Any:
    """A job as JSON data."""
    return unstructure(job)


def _train(rank: Rank, job: Run, *, before: int, total: int) -> None:
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = partial(_report, rank, before, total, {"model": job.recipe.model.parameters} if before or total > job.recipe.steps else {})
    ended = train(rank, job.recipe, folder, output=Path(job.output) if job.output else None, report=report)
    if rank.rank == 0:
        write_whole(folder / "outcome.json", unstructure(ended))


def _report(rank: Rank, before: int, total: int, fixed: Mapping[str, float], step: int, **figures: float) -> None:
    rank.progress(before + step, total, **fixed, **figures)
    if rank.rank == 0:
        said = " ".join(f"{name} {value:.4g}" for name, value in {**fixed, **figures}.items())
        print(f"step {before + step}/{total} {said}", flush=True)
