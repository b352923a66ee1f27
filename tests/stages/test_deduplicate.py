"""Of each set of duplicates one document stays, and the same one in whatever order they come."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.ml.documents import text_id
from pipeline_dsl.stages import Deduplicate
from pipeline_dsl.stages.deduplicate import bands
from tests.stages.prose import corpus, paragraph, records, texts
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages


def deduplicate(bench: Workbench, *given: str, near: float | None = 0.8) -> tuple[Corpus, list[str]]:
    """(metadata, the texts that stay)"""
    stage = Deduplicate(corpora=(corpus(bench, *given),), near=near)
    return bench.run(stage), texts(bench, stage)


def first(*given: str) -> str:
    """The text whose id comes first."""
    return min(given, key=text_id)


def edited(text: str, every: int, seed: int = 0) -> str:
    """`text` with about one word in `every` replaced."""
    random_ = random.Random(seed)
    return " ".join(f"x{random_.random()}" if random_.randrange(every) == 0 else word for word in text.split())


def test_texts_that_differ_in_case_blanks_and_punctuation_are_one(tmp_path: Path) -> None:
    variants = ["The rain came.  It stayed!", "the rain came; it stayed", "THE RAIN CAME\nIT STAYED"]

    meta, kept = deduplicate(Workbench(tmp_path), *variants, "The rain came. It left.", near=None)

    assert kept == [text for text in (*variants, "The rain came. It left.") if text in (first(*variants), "The rain came. It left.")]
    assert meta.counts["deduplicate.exact"] == 2


def test_a_text_with_a_few_words_changed_is_a_near_duplicate(tmp_path: Path) -> None:
    original, other = paragraph(1, 60), paragraph(2, 60)
    copy = original.replace("entry 1", "entry one")

    meta, kept = deduplicate(Workbench(tmp_path), original, copy, other)

    assert sorted(kept) == sorted([first(original, copy), other])
    assert (meta.counts["deduplicate.exact"], meta.counts["deduplicate.near"]) == (0, 1)


def test_a_text_that_was_half_rewritten_stays(tmp_path: Path) -> None:
    original = paragraph(1, 60)

    meta, _ = deduplicate(Workbench(tmp_path), original, edited(original, 4))

    assert meta.documents == 2


def test_without_a_threshold_near_duplicates_stay(tmp_path: Path) -> None:
    meta, _ = deduplicate(Workbench(tmp_path), paragraph(1, 60), paragraph(1, 60).replace("entry 1", "entry one"), near=None)

    assert meta.documents == 2


def test_text_without_blanks_has_near_duplicates_too(tmp_path: Path) -> None:
    original = "".join(chr(0x4E00 + 37 * place % 2000) for place in range(300)) + "。"
    copy = original[:150] + "また" + original[150:]

    meta, kept = deduplicate(Workbench(tmp_path), original, copy)

    assert kept == [first(original, copy)]
    assert meta.counts["deduplicate.near"] == 1


def test_texts_without_words_are_duplicates_only_of_themselves(tmp_path: Path) -> None:
    meta, kept = deduplicate(Workbench(tmp_path), "!!!", "???", "!!!", near=None)

    assert kept == ["!!!", "???"]
    assert meta.counts["deduplicate.exact"] == 1


def test_planted_near_duplicates_are_found_and_nothing_else(tmp_path: Path) -> None:
    originals = [edited(paragraph(seed, 40), 3, seed) for seed in range(200)]
    copies = [edited(text, 100, seed + 1) for seed, text in enumerate(originals[:60])]
    similar = [_jaccard(copy, original) for copy, original in zip(copies, originals, strict=False)]

    meta, _ = deduplicate(Workbench(tmp_path), *originals, *copies)

    surely = sum(value > 0.9 for value in similar)
    possibly = sum(value > 0.7 for value in similar)
    assert surely > 20
    assert surely <= meta.counts["deduplicate.near"] <= possibly


def _jaccard(one: str, other: str) -> float:
    """The true similarity of two texts' runs of five words."""
    a, b = ({tuple(text.lower().split()[at : at + 5]) for at in range(len(text.split()) - 4)} for text in (one, other))
    return len(a & b) / len(a | b)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_decides_nothing(tmp_path_factory: pytest.TempPathFactory, shuffler: random.Random) -> None:
    given = [paragraph(seed, 30) for seed in range(6)]
    given += [text.replace("the", "a") for text in given[:3]] + given[:2]
    expected = sorted(deduplicate(Workbench(tmp_path_factory.mktemp("a")), *given)[1])
    shuffler.shuffle(given)

    assert sorted(deduplicate(Workbench(tmp_path_factory.mktemp("b")), *given)[1]) == expected


def test_documents_keep_their_order_and_everything_known_about_them(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given = corpus(bench, "first text here", "second text there", "third text", groups=("g", None, "h"))
    stage = Deduplicate(corpora=(given,))

    bench.run(stage)

    assert records(bench, stage) == records(bench, given)


def test_duplicates_across_corpora_are_found_and_earlier_counts_are_kept(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    one = corpus(bench, "said here", "said there", counts={"ingest.read": 5})
    two = corpus(bench, "said there", "said elsewhere", counts={"ingest.read": 7})
    stage = Deduplicate(corpora=(one, two))

    meta = bench.run(stage)

    assert sorted(texts(bench, stage)) == ["said elsewhere", "said here", "said there"]
    assert meta.counts == {"ingest.read": 12, "deduplicate.exact": 1, "deduplicate.near": 0}


def test_another_process_with_another_hash_seed_keeps_the_same(tmp_path: Path) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        from tests.stages.prose import paragraph
        from tests.stages.test_deduplicate import Workbench, deduplicate, edited
        given = [paragraph(seed, 40) for seed in range(30)]
        print(*deduplicate(Workbench(Path(sys.argv[1])), *given, *(edited(text, 60) for text in given))[1], sep="\\n")
    """
    kept = [
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed)],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    ]

    assert kept[0] == kept[1]
    assert 30 <= len(kept[0].splitlines()) < 60


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_the_bands_meet_a_pair_at_the_threshold_in_98_of_100_cases(similarity: float) -> None:
    count = bands(similarity, 128)

    assert 128 % count == 0
    assert 1 - (1 - similarity ** (128 // count)) ** count >= 0.98


def test_a_threshold_of_zero_is_a_problem(tmp_path: Path) -> None:
    assert "everything is a duplicate" in messages(Deduplicate(corpora=(corpus(Workbench(tmp_path), "a"),), near=0.0))


def test_a_broken_line_of_a_corpus_is_named(tmp_path: Path) -> None:
    from pipeline_dsl.base.fault import WrongArtifact

    bench = Workbench(tmp_path)
    broken = bench.give(
        Corpus(documents=2, characters=2), {"documents-00000.jsonl": json.dumps({"id": "1", "text": "a"}) + "\n" + '{"id": "2", "te'}
    )

    with pytest.raises(WrongArtifact, match=r"`documents-00000.jsonl`, line 2"):
        bench.run(Deduplicate(corpora=(broken,)))
