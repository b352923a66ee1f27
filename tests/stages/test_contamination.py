"""Evaluation data is found in training data, however it is spelled there, and what is found is shown."""

import json
import random
import string
import tracemalloc
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.lang.artifacts import Chats, ContaminationReport, Corpus, EvalSuite, Preferences, Prompts
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.ml.overlaps import Searched, stretches
from pipeline_dsl.ml.wanted import Index, Wanted, Words
from pipeline_dsl.stages import Contamination
from pipeline_dsl.stages.matching import shards
from tests.runner.bench import Bench
from tests.stages.contaminated import SHIPPING, prose
from tests.stages.prose import corpus, paragraph
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages

QUESTION = "Which of the two brothers, Adam or Ben, reached the harbour first, and why did nobody believe him when he told the story?"


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def suite(bench: Workbench, *documents: dict[str, Any], task: str = "asked", **config: Any) -> Ref[EvalSuite]:
    """A suite of one task."""
    files = {"data_files": {"test": f"{task}.jsonl"}}
    written = {"task": task, "dataset_path": "json", "dataset_kwargs": files, "test_split": "test", **config}
    meta = EvalSuite(tasks=(task,), examples={task: len(documents)})
    return bench.give(meta, {f"{task}.yaml": json.dumps(written), f"{task}.jsonl": lines(*documents)})


def chats(bench: Workbench, *said: str, system: str = "") -> Ref[Chats]:
    """Conversations of one question and its answer each."""
    first = [{"role": "system", "content": system}] if system else []
    rows = [{"messages": [*first, {"role": "user", "content": text}, {"role": "assistant", "content": "Yes"}]} for text in said]
    return bench.give(Chats(conversations=len(said)), {"chats.jsonl": lines(*rows)})


def search(bench: Workbench, training: Any, held: Any) -> tuple[ContaminationReport, list[dict[str, Any]]]:
    """(metadata, the lines of `hits.jsonl`)"""
    stage = Contamination(training={"data": training}, held={"suite": held}, processes=1)
    made = bench.run(stage)
    return made, [json.loads(line) for line in bench.files(stage)["hits.jsonl"].decode().splitlines()]


def planted(text: str) -> str:
    """A text with another in its middle."""
    return f"{paragraph(1, 4)} {text} {paragraph(2, 4)}"


PARAPHRASES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "without punctuation": lambda text: text.translate(str.maketrans("", "", string.punctuation)),
    "with more of it": lambda text: text.replace(" ", " -- ").replace("o", "o'"),
    "on many lines": lambda text: text.replace(" ", "\n \t"),
    "without blanks": lambda text: text.replace(" ", ""),
    "with other blanks": lambda text: text.replace(" ", "\u00a0\u2003"),
    "letter by letter": " ".join,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "with accents": lambda text: unicodedata.normalize("NFC", text.replace("e", "e\u0301")),
    "with accents apart": lambda text: text.replace("e", "e\u0301"),
    "with soft hyphens": lambda text: text.replace("e", "e\u00ad").replace("th", "t\u200bh"),
    "with ligatures": lambda text: text.replace("fi", "\ufb01"),
    "in mathematical letters": lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
}


@pytest.mark.parametrize("how", PARAPHRASES)
def test_an_item_is_found_however_it_is_spelled_and_shown_as_it_is_there(tmp_path: Path, how: str) -> None:
    bench = Workbench(tmp_path)
    there = PARAPHRASES[how](QUESTION)
    text = planted(there)

    made, (hit,) = search(bench, corpus(bench, paragraph(3), text), suite(bench, {"question": QUESTION}, {"question": paragraph(9)}))

    assert (made.share.value, made.exact.value, made.ngram.value, made.items) == (50.0, 50.0, 0.0, 2)
    (seen,) = hit["seen"]
    assert (hit["set"], hit["item"], hit["kind"], hit["words"], hit["of"]) == ("suite/asked", "0", "exact", 23, 23)
    assert seen["text"] == text[seen["start"] : seen["end"]]
    assert there.rstrip(".?!\uff1f \n'").endswith(seen["text"][-10:].rstrip(".?!\uff1f \n'"))
    assert (seen["data"], seen["file"], seen["line"], seen["where"]) == ("data", "documents-00000.jsonl", 2, "text")
    assert text.startswith(seen["before"], seen["start"] - len(seen["before"]))
    assert seen["before"].endswith("entry 1. ")
    assert text.startswith(seen["after"], seen["end"])


def test_what_is_found_of_an_item_is_told_in_its_own_words(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    made, (hit,) = search(
        bench,
        corpus(bench, planted("ADAM OR BEN reached the harbour first and why did nobody believe him")),
        suite(bench, {"question": QUESTION}),
    )

    assert hit["matched"] == [[QUESTION, "Adam or Ben, reached the harbour first, and why did nobody believe him"]]
    assert (hit["kind"], hit["words"], hit["of"]) == ("ngram", 13, 23)
    assert (made.share.value, made.exact.value, made.ngram.value) == (100.0, 0.0, 100.0)


@pytest.mark.parametrize("broken", ["bens", "be", "notben", "ban", ""])
def test_twelve_words_are_not_thirteen(tmp_path: Path, broken: str) -> None:
    bench = Workbench(tmp_path)
    text = QUESTION.replace("Ben,", broken).replace("told", "tells")

    made, hits = search(bench, corpus(bench, planted(text)), suite(bench, {"question": QUESTION}))

    assert (made.share.value, hits) == (0.0, [])


WORD = st.text("abcdefghij", min_size=1, max_size=7)
NOISE = st.sampled_from([" ", "  ", "\n", ", ", " - ", "... ", "\u00a0", '" "', " (", "; "])


@st.composite
def spelled(draw: st.DrawFn, words: Sequence[str]) -> str:
    """Words in a row, in any case and with any blanks and punctuation between them."""
    return "".join((word.upper() if draw(st.booleans()) else word) + draw(NOISE) for word in words)


def found(item: str, texts: Sequence[str], least: int = 13) -> list[str]:
    """What of an item is found in some texts, as it is spelled there."""
    (words,) = Words.of([item])
    searched = Searched(texts)
    found = [stretch.place for stretch in stretches(Index.of([Wanted(words, least)]), searched)]
    spans = [(searched.place(low), searched.place(high - 1)) for low, high in found]
    return [texts[text][start : end + 1] for (text, start), (_, end) in spans]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_thirteen_words_of_an_item_are_found_anywhere_whatever_stands_between_them(data: st.DataObject) -> None:
    item = data.draw(st.lists(WORD, min_size=13, max_size=40))
    first = data.draw(st.integers(0, len(item) - 13))
    around = st.lists(WORD, max_size=8)
    text = data.draw(around.flatmap(spelled)) + data.draw(spelled(item[first : first + 13])) + data.draw(around.flatmap(spelled))

    assert found(data.draw(spelled(item)), [data.draw(around.flatmap(spelled)), text])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_twelve_words_of_an_item_are_found(data: st.DataObject) -> None:
    item = data.draw(st.lists(st.text("abcde", min_size=1, max_size=5), min_size=12, max_size=40))
    other = st.lists(st.text("vwxyz", min_size=1, max_size=5), max_size=20)  # words that no item has
    first = data.draw(st.integers(0, len(item) - 12))
    text = data.draw(other.flatmap(spelled)) + data.draw(spelled(item[first : first + 12])) + data.draw(other.flatmap(spelled))

    assert found(" ".join(item), [text, " ".join(item[:12]), " ".join(item[-12:])]) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "aa"]), min_size=1, max_size=60), st.lists(st.sampled_from("ab "), max_size=200))
def test_all_and_nothing_but_what_a_plain_search_finds_is_found(item: list[str], letters: list[str]) -> None:
    """In texts of two letters nearly everything is a candidate."""
    text = "".join(letters)
    words = text.split()
    joined = "".join(words)
    edges = {0, *(len("".join(words[:count])) for count in range(len(words) + 1))}
    runs = ["".join(item[first : first + 13]) for first in range(len(item) - 12)]
    expected = any(
        joined.startswith(run, at) and at in edges and at + len(run) in edges for run in runs for at in range(len(joined) - len(run) + 1)
    )

    assert bool(found(" ".join(item), [text])) is expected


@pytest.mark.parametrize(
    ("said", "asked", "is_found"),
    [
        ("The sun rises over the old bridge today", "the sun rises over the OLD bridge -- today", True),
        ("First of all: the sun rises over the old bridge today, and so it did", "the sun rises over the old bridge today", True),
        ("The sun rises over the old bridges today", "the sun rises over the old bridge today", False),
        ("Which is more, 3 or 7?", "which is more 3 or 7", True),
        ("Which is more, 3 or 71?", "Which is more, 3 or 7?", False),
        ("I know: which is more, 3 or 7? It is 7", "Which is more, 3 or 7?", False),
        ("yes", "Yes", False),
        ("Oh no!", "oh no", False),
    ],
)
def test_a_short_item_is_found_whole(tmp_path: Path, said: str, asked: str, is_found: bool) -> None:
    """Eight words inside a text, fewer as a whole text, next to none not at all."""
    bench = Workbench(tmp_path)

    made, hits = search(bench, chats(bench, said), suite(bench, {"question": asked}, {"question": paragraph(1)}))

    assert [hit["kind"] for hit in hits] == (["exact"] if is_found else [])
    assert made.unrecognizable == (1 if len(asked) < 7 else 0)
    if is_found:
        assert hits[0]["seen"][0]["where"] == "messages.0"
        assert hits[0]["seen"][0]["text"].lower().startswith(asked[:9].lower())


def test_of_short_items_the_longest_text_counts_and_no_common_answer(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    documents = [{"question": f"What was said of number {n}?", "choices": ["All of the above", "None of them"]} for n in range(3)]

    made, _ = search(bench, chats(bench, "None of them", "All of the above"), suite(bench, *documents))

    assert made.share.value == 0.0


def test_a_text_in_a_script_without_blanks_is_found_by_its_characters(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    chinese = "北京是中华人民共和国的首都也是全国的政治中心"

    made, (hit,) = search(bench, corpus(bench, f"我们知道，{chinese[:14]}。", chinese[:12]), suite(bench, {"question": chinese}))

    assert (hit["words"], made.share.value) == (14, 100.0)
    assert [seen["text"] for seen in hit["seen"]] == [chinese[:14]]


def test_everything_that_is_learnt_from_is_looked_through(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    user, answer = [{"role": "user", "content": "Tell me!"}], [{"role": "assistant", "content": f"Well. {QUESTION}"}]
    pairs = bench.give(Preferences(pairs=1), {"p.jsonl": lines({"prompt": user, "chosen": user, "rejected": answer})})
    prompts = bench.give(Prompts(prompts=1), {"q.jsonl": lines({"prompt": answer})})
    stage = Contamination(
        training={"a": corpus(bench, planted(QUESTION)), "b": chats(bench, QUESTION), "c": pairs, "d": prompts},
        held={"asked": suite(bench, {"question": QUESTION})},
        processes=1,
    )
    bench.run(stage)
    (hit,) = [json.loads(line) for line in bench.files(stage)["hits.jsonl"].splitlines()]

    assert [(seen["data"], seen["where"]) for seen in hit["seen"]] == [("a", "text"), ("b", "messages.0"), ("c", "rejected.0")]
    counted = json.loads(bench.files(stage)["report.json"])["training"]
    assert {name: counts["texts"] for name, counts in counted.items()} == {"a": 1, "b": 2, "c": 3, "d": 1}


def test_held_out_data_of_every_kind_is_looked_for_and_counted_apart(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    asked = [{"role": "user", "content": prose(2)}]
    pairs = bench.give(Preferences(pairs=1), {"p.jsonl": lines({"prompt": asked, "chosen": asked, "rejected": asked})})
    held = {"text": corpus(bench, prose(1), prose(5)), "pairs": pairs, "asked": suite(bench, {"question": QUESTION})}
    made = bench.run(Contamination(training={"data": corpus(bench, prose(1), prose(2))}, held=held, processes=1))

    assert {name: share.value for name, share in made.sets.items()} == {"text": 50.0, "pairs": 100.0, "asked/asked": 0.0}
    assert made.worst == "pairs"
    assert {name: score.value for name, score in made.scores.items()} == {
        "contamination": 50.0,
        "contamination_exact": 50.0,
        "contamination_ngram": 0.0,
        "contamination_worst": 100.0,
    }


def test_a_system_message_that_all_share_contaminates_none(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    system = f"You are a helpful assistant. {QUESTION}"

    made, _ = search(bench, chats(bench, prose(1), system=system), chats(bench, prose(2), system=system))

    assert made.share.value == 0.0


def test_only_what_a_task_is_scored_on_is_looked_for(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    files = {"data_files": {"train": "train.jsonl", "test": "test.jsonl"}}
    task = {"task": "t", "dataset_path": "json", "dataset_kwargs": files, "fewshot_split": "train", "test_split": "test"}
    content: dict[str, str | bytes] = {
        "t.yaml": json.dumps(task),
        "train.jsonl": lines({"q": prose(1)}),
        "test.jsonl": lines({"q": prose(2)}),
    }
    held = bench.give(EvalSuite(tasks=("t",), examples={"t": 1}), content)

    assert search(bench, corpus(bench, prose(1)), held)[0].share.value == 0.0
    assert search(bench, corpus(bench, prose(2)), held)[0].share.value == 100.0


def test_a_task_may_name_what_is_looked_for(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    held = suite(bench, {"q": prose(1), "passage": prose(2)}, doc_to_decontamination_query="q")

    assert search(bench, corpus(bench, prose(2)), held)[0].share.value == 0.0
    assert search(bench, corpus(bench, prose(1)), held)[0].share.value == 100.0


def test_the_report_is_the_same_from_one_process_and_from_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "PART", 4000)
    bench = Workbench(tmp_path)
    choose = random.Random(0)
    texts = [prose(seed, choose.randint(20, 200)) for seed in range(200)]
    asked = [{"question": choose.choice(texts)[: choose.randint(120, 500)]} for _ in range(60)]
    training, held = corpus(bench, *texts), suite(bench, *asked, {"question": QUESTION})

    reports: list[tuple[ContaminationReport, dict[str, bytes]]] = []
    for processes in (1, 2, 3):
        stage = Contamination(training={"data": training}, held={"suite": held}, processes=processes)
        made = bench.run(stage)
        reports.append((made, bench.files(stage)))

    assert 95 < reports[0][0].share.value < 100
    assert reports[0] == reports[1] == reports[2]
    hits = [json.loads(line) for line in reports[0][1]["hits.jsonl"].splitlines()]
    for seen in (seen for hit in hits for seen in hit["seen"]):
        assert texts[seen["line"] - 1][seen["start"] : seen["end"]] == seen["text"]


def test_a_phrase_that_is_in_every_text_is_shown_a_few_times_and_no_more_of_it_is_missed(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    asked = [{"question": f"{QUESTION} {prose(seed)}"} for seed in range(30)]
    more = f"{QUESTION} {prose(7)}"

    _, hits = search(bench, corpus(bench, *(f"{QUESTION} Number {n}" for n in range(50)), more), suite(bench, *asked))

    assert [len(hit["seen"]) for hit in hits] == [3] * 30
    assert [hit["kind"] for hit in hits] == ["exact" if seed == 7 else "ngram" for seed in range(30)]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ('{"id": "a"}\n', "line 1"),
        ('{"id": "a", "text": "b"}\n{"id": "a", "text": 3}\n', "line 2"),
        ("[]\n", "no JSON object"),
        ("{\n", "no JSON"),
    ],
)
def test_training_data_that_cannot_be_read_is_refused(tmp_path: Path, rows: str, reason: str) -> None:
    bench = Workbench(tmp_path)
    broken = bench.give(Corpus(documents=1, characters=1), {"documents-00000.jsonl": rows})

    with pytest.raises(WrongArtifact, match=reason):
        search(bench, broken, suite(bench, {"question": QUESTION}))


@pytest.mark.parametrize("document", [{"question": "Yes?"}, {"answer": 7}])
def test_a_suite_that_says_nothing_recognizable_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    bench = Workbench(tmp_path)

    with pytest.raises(StageFailed, match="could be recognized"):
        search(bench, corpus(bench, "a"), suite(bench, document))


@pytest.mark.parametrize("together", [1, 4, 100])
def test_every_character_is_counted_once_however_many_are_folded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(shards, "TOGETHER", together)
    bench = Workbench(tmp_path)

    assert search(bench, corpus(bench, "abc", "de"), suite(bench, {"question": QUESTION}))[0].characters == 5


def test_text_that_no_encoding_can_write_does_not_stop_the_search(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    row = '{"id": "a", "text": "\\ud800 ' + QUESTION + ' \\udfff\\u0000"}\n'
    training = bench.give(Corpus(documents=1, characters=1), {"documents-00000.jsonl": row})

    made, _ = search(bench, training, suite(bench, {"question": QUESTION}))

    assert made.share.value == 100.0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"training": {}}, "training: there is nothing to look through"),
        ({"held": {}}, "held: there is nothing to look for"),
        ({"shortest": 7}, "shortest: 7 is not from 8"),
        ({"ngram": 7}, "shortest: 8 is not from 8 to `ngram`, 7"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    bench = Workbench(tmp_path)
    stage = Contamination(training={"data": corpus(bench, "a")}, held={"suite": suite(bench, {"question": "b"})})

    assert said in messages(attrs.evolve(stage, **fields))


def test_memory_does_not_grow_with_the_training_data(tmp_path: Path) -> None:
    (words,) = Words.of([QUESTION])
    index = Index.of([Wanted(words, 13)])

    def peak(times: int) -> int:
        folder = tmp_path / str(times)
        folder.mkdir()
        with (folder / "documents-00000.jsonl").open("w") as stream:
            stream.writelines(lines({"id": str(n), "text": planted("" if n % 50 else QUESTION)}) for n in range(times * 1000))
        tracemalloc.start()
        every = [shards.look_through(part, index) for part in shards.parts("data", Corpus, folder)]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sum(found.texts for found in every) == times * 1000
        return most

    small = peak(2)
    assert peak(12) < small + 500_000  # bytes; the data is 6 MB more


def shipping(bench: Bench, texts: Sequence[str], questions: Sequence[str]) -> None:
    """A finished run of a pipeline that ships, and looks for the questions in the texts."""
    ran = bench.pdsl("run", bench.write(SHIPPING.format(texts=tuple(texts), questions=tuple(questions))))
    assert ran.returncode == 0, ran.stderr


def test_a_contaminated_training_set_holds_the_run_and_shows_where(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    questions = [prose(seed) for seed in range(100, 150)]
    there = [PARAPHRASES[how](questions[at]) for at, how in enumerate(("as it is", "in capitals", "without blanks", "with more of it"))]
    shipping(bench, [prose(1), *map(planted, there)], questions)

    gated = bench.pdsl("gate")

    assert (gated.returncode, gated.stdout.splitlines()[0]) == (3, "HOLD: contamination failed")
    assert "fail  contamination          8 [" in gated.stdout
    for number, text in enumerate(there):
        assert f"suite/asked {number}: 40 of 40 words" in gated.stdout
        assert " ".join(text[:60].split()) in gated.stdout


def test_a_training_set_without_evaluation_data_ships(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    shipping(bench, [prose(1), prose(2)], [prose(3), prose(4)])

    gated = bench.pdsl("gate")

    assert gated.returncode == 0, gated.stdout + gated.stderr
