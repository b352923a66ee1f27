"""Corpora become rows of token ids that other libraries read."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.lang.artifacts import Corpus, Tokenizer
from pipeline_dsl.lang.size import Size, Sizes
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.stages import Tokenize, TrainTokenizer
from tests.stages.prose import corpus, paragraph
from tests.stages.workbench import Workbench, declared, messages, revived

pytestmark = pytest.mark.stages

NOTHING: Ref[Corpus] = Ref()
NO_TOKENIZER: Ref[Tokenizer] = Ref()
TEXTS = tuple(map(paragraph, range(20)))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def given(bench: Workbench) -> Ref[Corpus]:
    return corpus(bench, *TEXTS, counts={"deduplicate.exact": 2, "deduplicate.near": 3})


@pytest.fixture(scope="module")
def tokenizer(bench: Workbench, given: Ref[Corpus]) -> Ref[Tokenizer]:
    stage = TrainTokenizer(corpora=(given,), vocabulary=400)
    bench.run(stage)
    return stage


def rows(bench: Workbench, stage: Tokenize) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """[rows, length]"""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    files = sorted(bench.path(stage).glob("*.parquet"))
    return np.array([row for file in files for row in parquet.read_table(file)["input_ids"].to_pylist()], dtype=np.int64)


def encoded(bench: Workbench, tokenizer: Ref[Tokenizer], *texts: str) -> list[list[int]]:
    """`<bos> text <eos>` of each, by the library itself."""
    tokenizers: Any = pytest.importorskip("tokenizers")
    loaded = tokenizers.Tokenizer.from_file(str(bench.path(tokenizer) / "tokenizer.json"))
    return [[1, *loaded.encode(text).ids, 2] for text in texts]


def test_best_fit_rows_hold_every_document_once(bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=1024, packing="best_fit")
    made = bench.run(stage)

    found = rows(bench, stage).tolist()
    documents = [list(document) for row in found for document in _split(row)]
    assert sorted(documents) == sorted(encoded(bench, tokenizer, *TEXTS))
    assert made.tokens == sum(map(len, documents))


def _split(row: list[int]) -> list[list[int]]:
    """The documents in a row: each begins with <bos>, padding ends the row."""
    documents: list[list[int]] = []
    for token in row:
        if token == 1:
            documents.append([])
        if token:
            documents[-1].append(token)
    return documents


def test_concatenated_rows_are_full(bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=64)
    made = bench.run(stage)

    found = rows(bench, stage)
    whole = sum(map(len, encoded(bench, tokenizer, *TEXTS)))
    assert found.shape == (whole // 64, 64) == (made.rows, made.length)
    assert (found != 0).all()
    assert made.tokens == found.size


def test_what_is_recorded_is_what_is_in_the_rows(bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=64)
    made = bench.run(stage)

    counts = np.array(list(Counter(rows(bench, stage).ravel().tolist()).values()))
    shares = counts / counts.sum()
    assert made.unigram_entropy == pytest.approx(-(shares * np.log(shares)).sum())
    assert (made.documents, made.duplicates) == (20, 5)


def test_the_datasets_library_loads_the_shards(bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer], tmp_path: Path) -> None:
    datasets: Any = pytest.importorskip("datasets")
    stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=32, shard=7)
    made = bench.run(stage)

    loaded = datasets.load_dataset("parquet", data_dir=str(bench.path(stage)), split="train", cache_dir=str(tmp_path))
    assert loaded.column_names == ["input_ids"]
    assert np.array_equal(np.array(loaded["input_ids"][:]), rows(bench, stage))
    assert len(bench.files(stage)) == -(-made.rows // 7)


def test_the_same_seed_gives_the_same_bytes_and_another_another_order(
    bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer]
) -> None:
    def files(seed: int) -> dict[str, bytes]:
        stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=64)
        bench.run(stage, seed=seed)
        return bench.files(stage)

    assert files(1) == files(1)
    assert files(1) != files(2)


def test_text_that_spells_a_special_token_is_encoded_as_text(bench: Workbench, tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(tokenizer=tokenizer, corpora=(corpus(bench, "say <eos> and <|user|> to me"),), length=64, packing="best_fit")
    bench.run(stage)

    (row,) = rows(bench, stage).tolist()
    assert [token for token in row if 0 < token < 6] == [1, 2]


def test_a_corpus_enters_as_often_as_it_is_told(bench: Workbench, tokenizer: Ref[Tokenizer]) -> None:
    one, other = corpus(bench, *TEXTS[:3]), corpus(bench, *TEXTS[3:5])
    stage = Tokenize(tokenizer=tokenizer, corpora=(one, other), repeats=(1, 3), length=1024, packing="best_fit")
    made = bench.run(stage)

    documents = Counter(tuple(document) for row in rows(bench, stage).tolist() for document in _split(row))
    assert documents == Counter({tuple(ids): 1 + 2 * (at > 2) for at, ids in enumerate(encoded(bench, tokenizer, *TEXTS[:5]))})
    assert made.documents == 5


def test_half_a_repeat_is_about_half_of_the_documents(bench: Workbench, tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(
        tokenizer=tokenizer, corpora=(corpus(bench, *(f"entry {n}" for n in range(400))),), repeats=(0.5,), length=64, packing="best_fit"
    )

    assert bench.run(stage).documents == pytest.approx(200, abs=50)


def test_a_limit_keeps_so_many_tokens(bench: Workbench, given: Ref[Corpus], tokenizer: Ref[Tokenizer]) -> None:
    stage = Tokenize(tokenizer=tokenizer, corpora=(given,), length=64, limit=650)

    assert bench.run(stage).tokens == 640


def test_too_few_tokens_for_a_row_are_a_failure(bench: Workbench, tokenizer: Ref[Tokenizer]) -> None:
    with pytest.raises(StageFailed, match="do not fill one row of 4096"):
        bench.run(Tokenize(tokenizer=tokenizer, corpora=(corpus(bench, "short"),), length=4096))


def test_the_tokens_that_will_be_there_follow_from_the_corpora() -> None:
    other: Ref[Corpus] = Ref()
    known = Sizes({NOTHING: Size(tokens=Tokens(1000)), other: Size(tokens=Tokens(500))})
    stage = Tokenize(tokenizer=NO_TOKENIZER, corpora=(NOTHING, other), repeats=(1, 2), length=100)

    assert stage.size(known) == Size(tokens=Tokens(2000), examples=20)


def test_a_limit_says_how_many_tokens_there_will_be_at_most() -> None:
    stage = Tokenize(tokenizer=NO_TOKENIZER, corpora=(NOTHING,), length=100, limit=5000)

    assert stage.size(Sizes({})).tokens == 5000


def test_repeats_that_fit_no_corpus_are_a_problem() -> None:
    assert "2 numbers for 1 corpora" in messages(Tokenize(tokenizer=NO_TOKENIZER, corpora=(NOTHING,), repeats=(1, 2)))


def test_a_declaration_survives_the_plan() -> None:
    stage = Tokenize(tokenizer=NO_TOKENIZER, corpora=(NOTHING,), repeats=(1.5,), seed=3)

    assert revived(stage) == declared(stage)
