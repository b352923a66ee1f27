"""How far a model's score is from its baseline's, and how well that is known."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.statistics import Z
from pipeline_dsl.gates.interval import SCALES, standard_error
from pipeline_dsl.gates.tasks import tasks
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.plan.plan import PlannedStage
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree

SAMPLES = "samples.jsonl"
"""Where an evaluation keeps what was answered to each document."""


@attrs.frozen(kw_only=True)
class Difference:
    """A score less the baseline's. `paired` if both were asked the same documents and the answers were compared one by one."""

    value: float
    interval: tuple[float, float] | None
    paired: bool


@attrs.frozen(kw_only=True)
class Evidence:
    """A score with the artifact that it was read from: verified, so its files may be read."""

    score: Score
    tree: Tree
    stage: PlannedStage
    store: Store


def difference(ours: Evidence, theirs: Evidence, metric: str, unit: str) -> Difference:
    """`ours` less `theirs`, with a 95% interval.

    Where both are evaluations of one suite that kept their answers, each document's answers are compared, which leaves out how
    hard the documents are; otherwise the two are taken as independent samples.
    Source: Miller (2024), arXiv:2411.00640, section 4.
    """
    value = ours.score.value - theirs.score.value
    paired = _paired(ours, theirs, metric, unit, value)
    if paired is not None:
        error = paired
    else:
        errors = standard_error(ours.score, unit), standard_error(theirs.score, unit)
        error = None if errors[0] is None or errors[1] is None else math.hypot(errors[0], errors[1])
    around = None if error is None else (value - Z * error, value + Z * error)
    return Difference(value=value, interval=around, paired=paired is not None)


def _paired(ours: Evidence, theirs: Evidence, metric: str, unit: str, value: float) -> float | None:
    """The standard error of the mean difference a document; None where documents cannot be compared, or their mean is not the score."""
    suite = ours.tree.meta.get("suite")
    if suite is None or suite != theirs.tree.meta.get("suite"):
        return None
    one, other = _answers(ours, metric), _answers(theirs, metric)
    if len(one) < 2 or one.keys() != other.keys():
        return None
    scale = SCALES.get(unit, 1.0)
    score = Score.mean([scale * (one[document] - other[document]) for document in one])
    return score.stderr if math.isclose(score.value, value, rel_tol=1e-3, abs_tol=1e-3 * scale) else None


def _answers(evidence: Evidence, metric: str) -> dict[int, float]:
    """What each document counted for, by its number; empty if that was not kept."""
    asked = next((task for name, task in tasks(evidence.stage) if name == metric), None)
    file = next((entry for entry in evidence.tree.files if entry.path == SAMPLES), None)
    if asked is None or file is None:
        return {}
    measured, _, chosen = str(asked.get("source", "")).partition(",")
    found: dict[int, float] = {}
    for row in _rows(evidence.store.blob(file)):
        if row.get("task") != asked.get("name") or (chosen and row.get("filter") != chosen):
            continue
        document, metrics = row.get("document"), row.get("metrics")
        counted = cast("dict[str, Any]", metrics).get(measured) if isinstance(metrics, dict) else None
        if not isinstance(document, int) or not isinstance(counted, int | float) or document in found:
            return {}  # no plain mean, several filters, or a file of another making
        found[document] = float(counted)
    return found


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of a file of JSON lines; a line that is none ends it: then the file is of another making."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                return
            yield cast("dict[str, Any]", row) if isinstance(row, dict) else {}
