"""A data card: sources, licences, personal data, duplicates, splits, and no text of the data."""

from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from pipeline_dsl.provenance.cards.data import data_card
from pipeline_dsl.provenance.cards.facts import gather
from pipeline_dsl.stages.local_files import tree_digest
from tests.gates.test_verdict import Shipped, shipped
from tests.provenance.released import decided

LETTERS = {
    "one.txt": "The quiet harbour woke slowly while Mary wrote to mary.baker@example.org about the missing boats and their owners.",
    "two.txt": "The quiet harbour woke slowly while Mary wrote to mary.baker@example.org about the missing boats and their owners!",
    "three.txt": "Nobody had told the engineers that seventeen valves were already open when the second shift began its long walk.",
    "four.txt": "Every spring the orchard keeper counts the blossoms twice, once for the bees and once for the tax collector's book.",
    "five.txt": "An old telegraph line still hums above the valley, carrying no messages except those that the wind makes up itself.",
}

PIPELINE = """
from pipeline_dsl.stages import Deduplicate, Ingest, LocalFiles, Split
letters = LocalFiles(path={path!r}, files=('*.txt',), digest={digest!r}, licence='CC-BY-NC-4.0', personal=True, origin='hf:me/letters')
text = Deduplicate(corpora=(Ingest(sources=(letters,), filters=()),))
pipeline = Pipeline(name='letters', targets=[Split(corpus=text, part='train', train=0.5, validation=0.25, test=0.25)])
"""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    folder = tmp_path_factory.mktemp("letters")
    (folder / "letters").mkdir()
    files = {name: folder / "letters" / name for name in sorted(LETTERS)}
    for name, file in files.items():
        file.write_text(LETTERS[name])
    return shipped(folder, PIPELINE.format(path=str(folder / "letters"), digest=tree_digest(files)))


@pytest.fixture(scope="module")
def written(letters: Shipped) -> str:
    return data_card(gather(letters.run(), decided(letters)))


@pytest.mark.stages
def test_it_tells_where_data_comes_from_and_on_what_terms(written: str) -> None:
    row = next(line for line in written.splitlines() if "`hf:me/letters`" in line)
    assert "| `CC-BY-NC-4.0` | non-commercial | declared |" in row
    assert "in 5 files" in row


@pytest.mark.stages
def test_it_tells_what_was_redacted_and_what_was_dropped(written: str) -> None:
    assert "2 x `email`" in written
    assert "`deduplicate.exact` 1" in written
    assert "near ones from a similarity of 0.8 on" in written
    assert '"test": 0.25, "train": 0.5, "validation": 0.25}` | `03_deduplicate` | no model was made |' in written


@pytest.mark.stages
def test_the_hub_reads_its_front_matter(written: str) -> None:
    data = DatasetCard(written).data.to_dict()
    assert (data["license"], data["size_categories"]) == ("cc-by-nc-4.0", ["n<1K"])
    assert "language" not in data


@pytest.mark.stages
def test_it_says_what_was_not_measured(written: str) -> None:
    sections = dict(part.split("\n", 1) for part in written.split("\n## ")[1:])
    assert sections["Languages"].startswith("\nNot measured")
    assert sections["Contamination of the evaluation"].strip() == "Not measured."
    assert "None is declared." in sections["Held out"]


@pytest.mark.stages
def test_it_holds_no_text_of_the_data(letters: Shipped, written: str) -> None:
    for text in LETTERS.values():
        words = text.split()
        assert not any(" ".join(words[place : place + 3]) in written for place in range(len(words) - 2))


def test_a_run_without_sources_has_a_card_that_says_so(finished: Shipped) -> None:
    found = data_card(gather(finished.run(), decided(finished)))
    assert "| `01_step` | `made by tests.runner.stages:Step` | not recorded | unknown |" in found
    assert DatasetCard(found).data.to_dict()["license"] == "unknown"


def test_a_card_is_written_of_whatever_was_made(tmp_path: Path) -> None:
    run = shipped(tmp_path, "pipeline = Pipeline(name='one', targets=[Step(label='a')])")
    assert "# Data of one" in data_card(gather(run.run(), decided(run)))
