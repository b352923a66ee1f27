"""A contamination gate is about data, and is held to all that is learnt from and all that is judged by."""

from pathlib import Path

import pytest

from pipeline_dsl.compiler.compile import compile_target
from tests.compiler.snippets import PRELUDE, write

PIPELINE = """
from pipeline_dsl.stages import Contamination
web, books, other = Crawl(), Crawl(depth=9), Crawl(depth=8)
mixed = Merge(corpora=(web, books))
suite = Suite()
base = Pretrain(data=Tokenize(corpus=mixed))
old = Pretrain(data=Tokenize(corpus=other))
report = Evaluate(model=base, suite=suite)
clean = Contamination(training={training}, held={held})
pipeline = Pipeline(name='p', targets=[report, old, clean], ships=base, gates=[*GATES[:3], metric('contamination') <= {limit}],
    baseline=Release(manifest='v1.yaml'))
"""


def findings(folder: Path, training: str = "{'web': web, 'books': books}", held: str = "{'suite': suite}", limit: str = "0.1") -> list[str]:
    text = PIPELINE.format(training=training, held=held, limit=limit)
    return [f"{found.code}: {found.message}" for found in compile_target(str(write(folder, PRELUDE + text))).diagnostics]


@pytest.mark.parametrize("training", ["{'all': mixed}", "{'web': web, 'books': books}", "{'all': mixed, 'web': web, 'other': other}"])
def test_all_that_is_learnt_from_may_be_looked_through_before_or_after_it_is_mixed(tmp_path: Path, training: str) -> None:
    assert findings(tmp_path, training) == []


def test_a_part_that_nobody_looked_through_is_found(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, "{'web': web}")

    assert found.startswith("PDSL911: ")
    assert "learns from" in found


def test_evaluation_data_that_nobody_looked_for_is_found(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, held="{'suite': Suite(examples=7)}")

    assert found.startswith("PDSL911: ")
    assert "judges by" in found


def test_what_another_model_learnt_from_is_no_evidence(tmp_path: Path) -> None:
    assert sorted(found.partition(":")[0] for found in findings(tmp_path, "{'other': other}")) == ["PDSL510", "PDSL911"]


def test_limits_are_tenths_of_a_percent(tmp_path: Path) -> None:
    assert findings(tmp_path, limit="0.001") == []
    assert [found.partition(":")[0] for found in findings(tmp_path, limit="101")] == ["PDSL504"]
