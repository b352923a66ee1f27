"""A tokenizer that knows every byte, is the same every time, and is what transformers loads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.ml.chat import SPECIAL
from pipeline_dsl.stages import TrainTokenizer
from tests.stages.prose import corpus, paragraph
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages

NOTHING: Ref[Corpus] = Ref()
ROOT = Path(__file__).parents[2]
TEXTS = (*map(paragraph, range(30)), "It was 1934. " * 400)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def stage(bench: Workbench) -> TrainTokenizer:
    stage = TrainTokenizer(corpora=(corpus(bench, *TEXTS),), vocabulary=420, special=("<|tool|>",))
    bench.run(stage)
    return stage


@pytest.fixture(scope="module")
def loaded(bench: Workbench, stage: TrainTokenizer) -> Any:
    transformers: Any = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(bench.path(stage))


def test_transformers_loads_it_without_a_model_beside_it(loaded: Any) -> None:
    assert len(loaded) == 420
    assert loaded.is_fast


def test_transformers_takes_it_for_the_same_beside_a_llama(bench: Workbench, stage: TrainTokenizer, loaded: Any, tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    shutil.copytree(bench.path(stage), tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": 420}))

    beside = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")

    assert beside(" two maps at 17:30\n").input_ids == loaded(" two maps at 17:30\n").input_ids


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(loaded: Any, text: str) -> None:
    assert loaded.decode(loaded(text).input_ids) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_is_unknown_and_none_becomes_longer_than_its_bytes(loaded: Any, text: str) -> None:
    assert len(loaded(text).input_ids) <= len(text.encode())


def test_digits_stand_alone(loaded: Any) -> None:
    assert [loaded.decode(token) for token in loaded("in 1934.").input_ids][-5:] == ["1", "9", "3", "4", "."]


def test_special_tokens_come_first_in_their_order(bench: Workbench, stage: TrainTokenizer) -> None:
    vocabulary: dict[str, int] = json.loads(bench.files(stage)["vocab.json"])

    assert sorted(vocabulary, key=vocabulary.__getitem__)[:7] == [*SPECIAL, "<|tool|>"]


def test_the_vocabulary_and_the_merges_are_those_of_the_tokenizer(bench: Workbench, stage: TrainTokenizer) -> None:
    files = bench.files(stage)
    model = json.loads(files["tokenizer.json"])["model"]

    assert json.loads(files["vocab.json"]) == model["vocab"]
    assert [line.split(" ") for line in files["merges.txt"].decode().splitlines()[1:]] == model["merges"]
    assert len(model["vocab"]) == 7 + 256 + len(model["merges"]) == 420


def test_more_text_fits_a_token_than_a_byte(bench: Workbench, stage: TrainTokenizer) -> None:
    assert bench.meta(stage).characters_per_token > 2


def test_other_processes_learn_the_same_bytes(bench: Workbench, stage: TrainTokenizer, tmp_path: Path) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        from pipeline_dsl.stages import TrainTokenizer
        from tests.stages.prose import corpus
        from tests.stages.test_tokenizer import TEXTS
        from tests.stages.workbench import Workbench
        bench = Workbench(Path(sys.argv[1]))
        bench.threads = int(sys.argv[2])
        stage = TrainTokenizer(corpora=(corpus(bench, *TEXTS),), vocabulary=420, special=("<|tool|>",))
        bench.run(stage)
        print(bench.digest(stage))
    """
    found = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / threads), threads],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": threads, "PATH": ""},
        ).stdout.strip()
        for threads in ("1", "2")
    }

    assert found == {bench.digest(stage)}


def test_the_order_of_documents_does_not_change_the_vocabulary(bench: Workbench, stage: TrainTokenizer, tmp_path: Path) -> None:
    other = Workbench(tmp_path)
    reverse = TrainTokenizer(corpora=(corpus(other, *reversed(TEXTS)),), vocabulary=420, special=("<|tool|>",))
    other.run(reverse)

    assert other.files(reverse)["tokenizer.json"] == bench.files(stage)["tokenizer.json"]


def test_too_little_text_for_the_vocabulary_is_a_failure_that_tells_the_size(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    with pytest.raises(StageFailed) as caught:
        bench.run(TrainTokenizer(corpora=(corpus(bench, "a few words"),), vocabulary=1000))

    assert "vocabulary=262" in caught.value.help


def test_a_vocabulary_without_room_for_all_bytes_is_a_problem() -> None:
    assert "at least 262" in messages(TrainTokenizer(corpora=(NOTHING,), vocabulary=200))


def test_a_special_token_that_is_there_already_is_a_problem() -> None:
    assert "is there twice" in messages(TrainTokenizer(corpora=(NOTHING,), vocabulary=500, special=("<eos>",)))
