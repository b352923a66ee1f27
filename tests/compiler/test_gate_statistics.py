"""Thresholds are held against the noise of their own evaluation, where its size is declared."""

from pathlib import Path

import pytest

from tests.compiler.snippets import PRELUDE, compiled, the_one

GATED = (
    "asked = Suite({suite})\nsft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\n"
    "before = Evaluate(model=sft, suite=asked)\nafter = Evaluate(model=Dpo(policy=sft, kl_budget=5), suite=asked)\n"
    "pipeline = Pipeline(name='p', targets=[after], gates=[{gate}], baseline=before)\n"
)


def codes(folder: Path, gate: str, suite: str = "examples=1_000") -> list[str]:
    return [diagnostic.code for diagnostic in compiled(folder, PRELUDE + GATED.format(gate=gate, suite=suite)).diagnostics]


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("metric('mmlu') >= baseline + 1.5", ["PDSL530"]),  # the standard error is 1.58 points
        ("metric('mmlu') >= baseline + 1.6", []),
        ("metric('mmlu') >= baseline", []),
        ("metric('mmlu') >= baseline - 1.5", []),  # a margin may be narrower: it holds, and lets nothing through
        ("metric('mmlu') >= baseline - 1.0", ["PDSL530"]),
        ("metric('safety_refusal_rate') <= baseline + 0.01", []),  # near 5%: 0.0069
        ("metric('safety_refusal_rate') <= baseline + 0.004", ["PDSL530"]),
        ("metric('mmlu') >= 60", []),
        ("metric('safety_refusal_rate') <= 0.005", []),
        ("metric('safety_refusal_rate') <= 0.002", ["PDSL531"]),
        ("metric('safety_refusal_rate') <= 0", []),  # says what it means
        ("metric('mmlu') >= 100", []),
    ],
)
def test_a_threshold_is_judged_by_a_thousand_examples(tmp_path: Path, gate: str, expected: list[str]) -> None:
    assert codes(tmp_path, gate) == expected


def test_nothing_is_said_where_no_number_is_declared(tmp_path: Path) -> None:
    assert codes(tmp_path, "metric('mmlu') >= baseline + 0.01", suite="") == []


def test_the_finding_says_how_many_examples_it_would_take(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, PRELUDE + GATED.format(gate="metric('mmlu') >= baseline + 0.5", suite="examples=200")))

    assert "standard error of 3.5 points (paired, correlation 0.5)" in found.message
    assert "let through 44% of the time" in found.message
    assert "takes about 78,489 examples" in found.help  # (1.96 + 0.84)^2 * 2 * 0.5 * 0.25 / 0.005^2


def test_the_level_of_another_gate_on_the_metric_says_how_large_the_share_is(tmp_path: Path) -> None:
    gates = "metric('mmlu') >= baseline + 1.2, metric('mmlu') >= 90"

    assert codes(tmp_path, gates) == []  # 0.95 points at 90%
    assert codes(tmp_path, gates.replace("90", "60")) == ["PDSL530"]  # 1.55 points at 60%


COUNTED = """
class Apart(Stage[EvalSuite]):
    evaluation = True
    def size(self, sizes):
        return Size(examples=10_164, tasks={"small": 164, "large": 10_000})
    def run(self, work: Workspace) -> EvalSuite: ...
from pipeline_dsl.stages import Evaluate, Task
asked = Apart()
sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))
tasks = (Task(name="small", metric="humaneval"), Task(name="large", metric="mmlu"))
before = Evaluate(model=sft, suite=asked, tasks=tasks)
after = Evaluate(model=Dpo(policy=sft, kl_budget=5), suite=asked, tasks=tasks)
pipeline = Pipeline(name='p', targets=[after], gates=[metric('humaneval') >= baseline + 2, metric('mmlu') >= baseline + 2], baseline=before)
"""


def test_tasks_that_are_counted_apart_are_judged_apart(tmp_path: Path) -> None:
    found = the_one(compiled(tmp_path, PRELUDE + COUNTED))

    assert (found.code, "humaneval" in found.message, "164" in found.message) == ("PDSL530", True, True)
