"""Documents come back as they were written, whatever is in them, and whatever shard they lie in."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.ml import documents
from pipeline_dsl.ml.documents import CorpusWriter, Document, lines, parse, read, text_id

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, st.none() | texts, st.dictionaries(st.sampled_from(["source", "licence"]), texts))
def test_a_document_comes_back_as_it_was_written(text: str, group: str | None, known: dict[str, str]) -> None:
    document = Document.of(text, group=group, **known)

    assert parse(document.line()) == document
    assert document.line().count(b"\n") == 1


@given(texts, texts)
def test_documents_are_named_by_their_text_and_by_nothing_else(text: str, other: str) -> None:
    assert (text_id(text) == text_id(other)) is (text == other)
    assert Document.of(text, source="a").id == Document.of(text, source="b", group="g").id


def test_a_full_shard_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "SHARD", 200)
    written = [Document.of(f"document {number}") for number in range(20)]
    with CorpusWriter(tmp_path) as writer:
        for document in written:
            writer.write(document)

    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) > 5
    assert all(file.stat().st_size <= 200 for file in files)
    assert list(read(tmp_path)) == written


def test_a_line_is_passed_on_as_it_was(tmp_path: Path) -> None:
    line = b'{"text": "spaced", "id":"1", "score": 0.5}\n'
    (tmp_path / "a.jsonl").write_bytes(line)

    ((found, document),) = lines(tmp_path)
    assert found == line
    assert document.known == {"score": 0.5}


def test_a_last_line_without_an_end_is_a_line_for_whoever_writes_after_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"id":"1","text":"no end"}')
    (tmp_path / "out").mkdir()
    with CorpusWriter(tmp_path / "out") as writer:
        for line, document in lines(tmp_path):
            writer.write(document, line)
        writer.write(Document("2", "next"))

    assert [document.id for document in read(tmp_path / "out")] == ["1", "2"]


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"id": "1"}', b'{"id": 1, "text": "x"}', b'{"id": "1", "text": "\xff"}'])
def test_a_line_that_is_no_document_is_refused(line: bytes) -> None:
    with pytest.raises(WrongArtifact, match="here is no document"):
        parse(line, "here")


def test_what_was_written_is_counted(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path) as writer:
        writer.write(Document.of("été"))
        writer.write(Document.of("four"))

    corpus = writer.corpus(licences=("CC0-1.0",), counts={"b": 1, "a": 2})
    assert (corpus.documents, corpus.characters, list(corpus.counts)) == (2, 7, ["a", "b"])


def test_nothing_written_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="no document is left"), CorpusWriter(tmp_path) as writer:
        writer.corpus(licences=(), counts={})


def test_lines_are_the_same_bytes_in_every_process() -> None:
    script = "from pipeline_dsl.ml.documents import Document; print(Document.of('x', b='1', a='2', group='g').line())"
    written = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, cwd=Path(__file__).parents[2], env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }

    assert written == {str(Document.of("x", a="2", b="1", group="g").line()).encode() + b"\n"}
