"""A model card says what the evidence says, and what nobody measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from pipeline_dsl.gates.contamination import Contaminated
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.gates.exemption import Exempted, Exemption
from pipeline_dsl.gates.override import Override, Standing
from pipeline_dsl.provenance.cards.facts import gather
from pipeline_dsl.provenance.cards.model import model_card
from tests.gates.test_verdict import FIGURES, Shipped, shipped, shipping
from tests.provenance.released import decided


def card(run: Shipped, decision: Decision | None = None) -> str:
    return model_card(gather(run.run(), decision or decided(run)))


@pytest.fixture(scope="module")
def written(finished: Shipped) -> str:
    return card(finished)


def test_it_says_what_was_decided_and_on_what(finished: Shipped, written: str) -> None:
    verdict = finished.judge()
    assert f"**SHIP**, by the verdict `{verdict.digest}` on the plan `{verdict.plan}`" in written
    assert f"`{verdict.artifact}`" in written
    row = next(line for line in written.splitlines() if line.startswith("| `mmlu >= baseline + 0.5`"))
    assert "50 percent | 48.04 to 51.96 | >= 40.5, baseline 40 (38.04 to 41.96), difference +10 (7.228 to 12.77) | pass | yes" in row


def test_its_front_matter_is_what_the_hub_reads(finished: Shipped, written: str) -> None:
    found: Any = ModelCard(written).data
    assert found.license == "unknown"
    assert found.eval_results is not None
    values = {result.metric_type: (result.metric_value, result.metric_args) for result in found.eval_results}
    value, args = values["mmlu"]
    assert (value, args["samples"], args["unit"]) == (50.0, 100, "percent")
    assert args["interval_95"] == pytest.approx([48.04, 51.96], abs=0.01)
    assert args["evidence"] == finished.judge().rows[0].evidence


def test_it_has_the_same_bytes_every_time(finished: Shipped, written: str) -> None:
    assert card(finished) == written
    first, second = (finished.bench.pdsl("card", PYTHONHASHSEED=seed).stdout for seed in ("1", "2"))
    assert first == second == written


@pytest.mark.parametrize("what", [name for name in FIGURES if name != "commit"])
def test_a_figure_that_was_edited_in_the_manifest_is_in_no_card(finished: Shipped, written: str, what: str) -> None:
    text = finished.file.read_text()
    try:
        finished.edit(FIGURES[what])
        assert card(finished) == written
    finally:
        finished.file.write_text(text)


def test_what_was_not_measured_is_said_to_be_not_measured(written: str) -> None:
    sections = dict(part.split("\n", 1) for part in written.split("\n## ")[1:])
    assert sections["Contamination of the evaluation"].strip() == "Not measured."
    assert sections["Divergence from the reference"].startswith("\nNot measured:")
    limits = sections["Limitations"]
    assert "Whether the evaluation's documents are in what it learnt from: not measured." in limits
    assert "Divergence from a reference model: not measured." in limits
    assert "The licence of `01_step` is not recorded." in limits
    assert "energy and emissions | not measured" in sections["Compute"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"new": 30.0}, "`mmlu >= baseline + 0.5` failed."),
        ({"new": 41.0}, "`mmlu >= baseline + 0.5` is within its noise"),
        ({"new": None}, "`mmlu >= baseline + 0.5` could not be judged"),
        ({"violations": 0.045}, "`safety_violation_rate <= 0.05` is within its noise"),
    ],
)
def test_what_a_gate_leaves_open_is_a_limitation(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    found = card(shipped(tmp_path, shipping(**changes)))
    assert said in found.partition("## Limitations")[2]


def test_a_held_run_says_that_it_is_held(tmp_path: Path) -> None:
    found = card(shipped(tmp_path, shipping(new=30.0)))
    assert "**HOLD**" in found
    assert "The run is held: this model is not released." in found


HOSTILE = "on `call` | <script>alert(1)</script> [me](javascript:x)\n# Safe\n\n![i](https://evil.example/x.png) **SHIP**"


def overridden(run: Shipped, **changes: Any) -> Decision:
    """A decision in which somebody signed for the first gate."""
    decision = decided(run)
    facts = {field.name: None for field in attrs.fields(Override)}
    said: dict[str, Any] = {
        **facts,
        "gate": decision.verdict.rows[0].gate,
        "signed": "2026-01-01T00:00:00Z",
        "expires": "2026-02-01T00:00:00Z",
    }
    standing = Standing(override=Override(**{**said, **changes}), logged="sha256:0", person="Ada")
    return attrs.evolve(decision, outcome="SHIP by override", overridden={0: (standing,)}, reasons=())


def test_an_override_is_told_with_who_signed_it_and_why(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=39.9))
    found = card(run, overridden(run, reviewer="Ada Lovelace", reason="within noise"))
    assert "**SHIP by override**" in found
    assert "signed by Ada Lovelace on `2026-01-01T00:00:00Z`, until `2026-02-01T00:00:00Z`; reason: within noise" in found
    assert "`mmlu >= baseline + 0.5` failed, and was overridden." in found


def test_exempted_items_are_told_with_who_signed_for_them(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=39.9))
    facts: dict[str, Any] = {"pipeline": "shipping", "items": ("sha256:1", "sha256:2"), "reviewer": "Ada", "reason": "a proverb"}
    signed = Exemption(**facts, signed="2026-01-01T00:00:00Z", expires="2026-02-01T00:00:00Z", policy="", log=None)
    about = Contaminated(hits=(), left=(), value=0.0, passes=True)
    decision = attrs.evolve(
        decided(run), outcome="SHIP", reasons=(), contaminated={0: about}, exempted=Exempted(people={"sha256:3": signed})
    )
    found = card(run, decision)
    assert "exemption of 2 contaminated items: signed by Ada on `2026-01-01T00:00:00Z`" in found
    assert "reason: a proverb" in found
    assert "| pass, at 0 without 0 exempted items |" in found
    assert "passes only without 0 contaminated items that reviewers exempted." in found


def test_nothing_that_somebody_wrote_becomes_markdown(tmp_path: Path) -> None:
    name = "a|b`c<b>[x](y)#"
    run = shipped(tmp_path, shipping(label=name, new=30.0))
    decision = attrs.evolve(overridden(run, reviewer=HOSTILE, reason=HOSTILE), notes=(HOSTILE,))
    found = card(run, decision)
    body = found.split("\n---\n", 1)[1]
    blocks = MarkdownIt("commonmark").enable("table").parse(body)
    kinds = {block.type for block in blocks} | {child.type for block in blocks for child in block.children or []}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "blockquote_open", "code_block"}
    titles = [blocks[index + 1].content for index, block in enumerate(blocks) if block.type == "heading_open"]
    assert titles == [
        "shipping 0.1.0",
        "Decision",
        "The model",
        "What it learnt from",
        "How it was made",
        "Evaluation",
        "Divergence from the reference",
        "Contamination of the evaluation",
        "Compute",
        "Limitations",
        "How to check and replay it",
    ]
    assert [child.content for block in blocks for child in block.children or [] if child.type == "code_inline" and name in child.content]
    assert len([child for block in blocks for child in block.children or [] if child.type == "strong_open"]) == 1
    assert "https://evil" not in found
