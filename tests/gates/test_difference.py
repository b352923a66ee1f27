"""The difference of two evaluations: paired where both were asked the same documents, of two samples otherwise."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.gates.difference import Evidence, difference
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.plan.plan import Estimate, Interval, PlannedStage
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store

RIGHT = [1.0] * 60 + [0.0] * 40
BETTER = [1.0] * 66 + [0.0] * 34
ESTIMATE = Estimate(flops=0, seconds=Interval(0, 0, 0), usd=None, assumptions="")


def stage(source: str = "acc") -> PlannedStage:
    task = {"name": "words", "metric": "word_accuracy", "source": source, "unit": "percent"}
    return PlannedStage(
        name="scores", kind="evaluate", type="a:B", version=1, produces="EvalReport", fields={"tasks": [task]}, inputs={}, definition="d",
        estimate=ESTIMATE, tier="cheap", device="cpu", devices=1, hourly_usd=None,
    )  # fmt: skip


def line(number: int, counted: Any, filter: str = "none", task: str = "words") -> str:
    return json.dumps({"task": task, "document": number, "filter": filter, "metrics": {"acc": counted}})


def evidence(folder: Path, name: str, counts: Sequence[float], *, suite: str = "sha256:s", lines: Sequence[str] | None = None) -> Evidence:
    """An evaluation as it lies in a store: the answers counted `counts`, its score is their mean."""
    store = Store(Layout(folder))
    made = folder / name
    made.mkdir()
    written = [line(number, count) for number, count in enumerate(counts)] if lines is None else lines
    (made / "samples.jsonl").write_text("".join(f"{row}\n" for row in written))
    score = Score.mean([100 * count for count in counts])
    digest = store.add(made, kind="eval_report", meta={"suite": suite}, scores={"word_accuracy": score})
    return Evidence(score=score, tree=store.verify(digest), stage=stage(), store=store)


def test_answers_to_the_same_documents_are_compared_one_by_one(tmp_path: Path) -> None:
    ours, theirs = evidence(tmp_path, "ours", BETTER), evidence(tmp_path, "theirs", RIGHT)
    found = difference(ours, theirs, "word_accuracy", "percent")

    assert (found.value, found.paired) == (pytest.approx(6.0), True)
    error = 100 * math.sqrt((6 / 100 - 0.06**2) * 100 / 99 / 100)  # six of a hundred differ
    assert found.interval == pytest.approx((6 - 1.96 * error, 6 + 1.96 * error), rel=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "sha256:other"},
        {"lines": [line(number, count) for number, count in enumerate(RIGHT[:99])]},
        {"lines": [line(number, [count]) for number, count in enumerate(RIGHT)]},
        {"lines": [line(number, count, filter) for number, count in enumerate(RIGHT) for filter in ("strict", "loose")]},
        {"lines": [line(number, 1.0) for number, _ in enumerate(RIGHT)]},  # their mean is not the score
        {"lines": ["not JSON"]},
        {"lines": ["[1]", line(0, 1.0, task="other")]},
    ],
)
def test_what_cannot_be_paired_is_taken_as_two_samples(tmp_path: Path, change: dict[str, Any]) -> None:
    ours, theirs = evidence(tmp_path, "ours", BETTER), evidence(tmp_path, "theirs", RIGHT, **change)
    found = difference(ours, theirs, "word_accuracy", "percent")

    assert (found.value, found.paired) == (pytest.approx(6.0), False)
    assert ours.score.stderr is not None
    assert theirs.score.stderr is not None
    error = math.hypot(ours.score.stderr, theirs.score.stderr)
    assert found.interval == pytest.approx((6 - 1.96 * error, 6 + 1.96 * error), rel=1e-4)


def test_scores_without_an_error_have_a_difference_without_an_interval(tmp_path: Path) -> None:
    ours = evidence(tmp_path, "ours", BETTER, suite="sha256:other")
    nats = Evidence(score=Score(value=3.0), tree=ours.tree, stage=ours.stage, store=ours.store)

    assert difference(nats, ours, "kl_from_reference", "nats").interval is None
