"""The example's data: nobody who is tested on a word has learnt from it."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl import Corpus, Source, Stage
from pipeline_dsl.ml.documents import CorpusWriter, Document
from pipeline_dsl.ml.harness import task_configs
from pipeline_dsl.stages.fetch import Fetch
from pipelines.wordnet.lessons import Lessons
from pipelines.wordnet.nouns import Noun, Part, nouns
from pipelines.wordnet.numbers import pairs
from pipelines.wordnet.preferences import KindPreferences
from pipelines.wordnet.prompts import Asked
from pipelines.wordnet.questions import swapped
from pipelines.wordnet.suite import Questions
from pipelines.wordnet.text import Glosses
from tests.pipelines.desk import run

PARTS: tuple[Part, ...] = get_args(Part)


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fetch, Path, Source]:
    """WordNet as the demo fetches it."""
    from pipelines.tiny import wordnet

    folder, source = run(wordnet, tmp_path_factory.mktemp("wordnet"), {})
    return wordnet, folder, source


@pytest.fixture(scope="module")
def learnt(dictionary: tuple[Fetch, Path, Source], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """`word: gloss` of everything that a model of the demo learns from."""
    wordnet, folder, source = dictionary
    stages: list[Stage[Any]] = [
        Glosses(dictionary=wordnet, part="train", per_kind=10_000),
        Lessons(dictionary=wordnet, part="train", per_kind=10_000),
        KindPreferences(dictionary=wordnet, part="train", per_kind=10_000),
        Asked(dictionary=wordnet, part="train", about="requests"),
        Asked(dictionary=wordnet, part="train", about="kinds", limit=10_000),
    ]
    found: set[str] = set()
    for number, stage in enumerate(stages):
        output, _ = run(stage, tmp_path_factory.mktemp(f"learnt{number}"), {wordnet: (folder, source)})
        for file in output.glob("*.jsonl"):
            for row in file.read_text(encoding="utf-8").splitlines():
                lines = [line for text in texts(json.loads(row)) for line in text.splitlines()]
                found.update(re.sub(r"^(What|How|Tell|Help|Could)\b[^:]*?(this|people)[?.] ", "", line) for line in lines)
    return found


def texts(value: Any) -> Iterator[str]:
    """Every string inside a row."""
    if isinstance(value, str):
        yield value
    else:
        items: Any = value.values() if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        for item in items:
            yield from texts(item)


@pytest.mark.network
def test_no_word_and_no_gloss_is_in_two_parts(dictionary: tuple[Fetch, Path, Source]) -> None:
    found = {part: nouns(dictionary[1], part) for part in PARTS}

    for one, other in combinations(PARTS, 2):
        assert not {noun.word.lower() for noun in found[one]} & {noun.word.lower() for noun in found[other]}
        assert not {noun.gloss for noun in found[one]} & {noun.gloss for noun in found[other]}
    assert all(len(found[part]) > 3000 for part in PARTS)


@pytest.mark.network
@pytest.mark.parametrize("part", ["dev", "test"])
def test_no_held_out_gloss_is_in_anything_that_is_learnt_from(dictionary: tuple[Fetch, Path, Source], learnt: set[str], part: Part) -> None:
    held_out = {f"{noun.word}: {noun.gloss}" for noun in nouns(dictionary[1], part)}

    assert not held_out & learnt


@pytest.mark.network
def test_what_is_learnt_from_is_found_by_its_gloss(dictionary: tuple[Fetch, Path, Source], learnt: set[str]) -> None:
    assert {f"{noun.word}: {noun.gloss}" for noun in nouns(dictionary[1], "train") if noun.kind} <= learnt


@pytest.mark.network
def test_preferences_are_about_other_nouns_than_lessons(dictionary: tuple[Fetch, Path, Source], tmp_path: Path) -> None:
    wordnet, folder, source = dictionary
    lessons, _ = run(Lessons(dictionary=wordnet, part="train", per_kind=2000), tmp_path / "lessons", {wordnet: (folder, source)})
    pairs_of, _ = run(KindPreferences(dictionary=wordnet, part="train", per_kind=2000), tmp_path / "pairs", {wordnet: (folder, source)})

    taught = {json.loads(line)["messages"][0]["content"] for line in (lessons / "chats.jsonl").read_text().splitlines()}
    preferred = {json.loads(line)["prompt"][0]["content"] for line in (pairs_of / "pairs.jsonl").read_text().splitlines()}
    assert len(taught) > 5000
    assert len(preferred) > 5000
    assert not taught & preferred


@pytest.mark.network
def test_a_right_answer_is_preferred_to_a_wrong_one(dictionary: tuple[Fetch, Path, Source], tmp_path: Path) -> None:
    wordnet, folder, source = dictionary
    made, meta = run(KindPreferences(dictionary=wordnet, part="dev", per_kind=50), tmp_path, {wordnet: (folder, source)})
    kinds = {f"{noun.word}: {noun.gloss}": noun.kind for noun in nouns(folder, "dev")}

    rows = [json.loads(line) for line in (made / "pairs.jsonl").read_text().splitlines()]
    assert len(rows) == meta.pairs == 350
    for row in rows:
        right = kinds[row["prompt"][0]["content"].partition("? ")[2]]
        assert row["chosen"][0]["content"] == right
        assert row["rejected"][0]["content"] != right


@pytest.fixture(scope="module")
def suite(dictionary: tuple[Fetch, Path, Source], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    wordnet, folder, source = dictionary
    prose: Stage[Corpus] = Glosses(dictionary=wordnet, part="test")
    text = tmp_path_factory.mktemp("prose")
    with CorpusWriter(text) as writer:
        words = [noun.word for noun in nouns(folder, "test")[:200]]
        writer.write(Document.of(". ".join(f"We speak of the {word} and of nothing else at all" for word in words) + "."))
    corpus = writer.corpus(licences=("CC0-1.0",), counts={})
    stage = Questions(dictionary=wordnet, addresses=prose, part="test")
    return run(stage, tmp_path_factory.mktemp("suite"), {wordnet: (folder, source), prose: (text, corpus)})


@pytest.mark.network
@pytest.mark.stages
def test_lm_eval_loads_every_task_of_the_suite(suite: tuple[Path, Any], tmp_path: Path) -> None:
    configs = task_configs(suite[0], tmp_path)
    manager: Any = import_module("lm_eval.tasks").TaskManager(include_defaults=False)
    tasks: dict[str, Any] = manager.load(list(configs.values()))["tasks"]

    assert set(tasks) == set(suite[1].tasks)
    for name, task in tasks.items():
        assert len(list(task.test_docs())) == suite[1].examples[name]


@pytest.mark.network
def test_a_question_of_choice_has_its_answer_among_the_choices(suite: tuple[Path, Any]) -> None:
    for name in ("gloss", "gloss_text", "compare", "word_order"):
        for line in (suite[0] / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            assert 0 <= row["answer"] < len(row["choices"]) == len(set(row["choices"]))


@pytest.mark.network
def test_every_kind_is_asked_for_equally_often(suite: tuple[Path, Any]) -> None:
    answers = [json.loads(line)["answer"] for line in (suite[0] / "gloss.jsonl").read_text().splitlines()]

    assert {answers.count(kind) for kind in set(answers)} == {80}


def test_two_numbers_are_in_one_part_whatever_their_order() -> None:
    for one, other in combinations(PARTS, 2):
        assert not {frozenset(pair) for pair in pairs(one)} & {frozenset(pair) for pair in pairs(other)}
    assert sum(len(pairs(part)) for part in PARTS) == 9900


def test_what_is_not_learnt_from_is_declared_as_evaluation_data() -> None:
    from pipelines.tiny import wordnet

    assert not Lessons(dictionary=wordnet, part="train").holds_evaluation_data()
    assert Lessons(dictionary=wordnet, part="dev").holds_evaluation_data()
    assert KindPreferences(dictionary=wordnet, part="dev").holds_evaluation_data()
    assert Asked(dictionary=wordnet, part="test", about="kinds").holds_evaluation_data()
    assert Glosses(dictionary=wordnet, part="test").holds_evaluation_data()


words = st.text(alphabet="abcdefgh", min_size=1, max_size=6)


@given(st.lists(words, min_size=4, max_size=30))
def test_a_swapped_sentence_differs_in_two_neighbours_and_keeps_its_ends(sentence: list[str]) -> None:
    spoilt = swapped(" ".join(sentence)).split()

    changed = [place for place, (one, other) in enumerate(zip(sentence, spoilt, strict=True)) if one != other]
    assert changed in ([], [changed[0], changed[0] + 1]) if changed else spoilt == sentence
    assert sorted(spoilt) == sorted(sentence)
    assert spoilt[0] == sentence[0]
    assert spoilt[-1] == sentence[-1]


def test_a_source_without_nouns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"data\.noun"):
        nouns(tmp_path, "train")


def test_a_harmful_sense_of_a_word_goes_before_its_others(tmp_path: Path) -> None:
    lines = [
        "  1 the licence stands before the records",
        "00000001 03 n 01 entity 0 000 | that which is perceived to exist by itself",
        "00000002 06 n 01 weapon 0 001 @ 00000001 n 0000 | any instrument that is used in fighting or hunting",
        "00000003 05 n 01 pike 0 001 @ 00000001 n 0000 | any of several long fishes with sharp teeth",
        '00000004 06 n 01 pike 0 001 @ 00000002 n 0000 | a long spear that was carried by the infantry; "he held his pike"',
    ]
    (tmp_path / "data.noun").write_text("\n".join(lines) + "\n")

    found = {noun.word: noun for part in PARTS for noun in nouns(tmp_path, part)}
    assert found["pike"] == Noun("pike", "a long spear that was carried by the infantry", "object", True)
