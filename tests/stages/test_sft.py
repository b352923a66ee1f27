"""Supervised fine-tuning learns from the assistant alone and survives being killed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl import Chats, RopeScaling, SftModel
from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.ml.dialogue import IGNORED, encode_chats
from pipeline_dsl.ml.starting import context_of
from pipeline_dsl.stages.sft import Sft
from tests.stages.lessons_bench import COLOURS, LessonsBench, lessons, say
from tests.stages.tiny_model import lines, model_folder
from tests.stages.workbench import messages

pytestmark = pytest.mark.stages


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("sft"))


@pytest.fixture(scope="module")
def taught(bench: LessonsBench) -> tuple[Sft, SftModel]:
    stage = bench.sft()
    return stage, bench.run(stage)


def test_what_was_taught_is_answered(bench: LessonsBench, taught: tuple[Sft, SftModel]) -> None:
    assert bench.answers(taught[0], [f"Say {colour} now" for colour in COLOURS]) == list(COLOURS)


def test_the_loss_at_the_end_is_far_below_that_of_guessing(taught: tuple[Sft, SftModel]) -> None:
    assert taught[1].loss < 0.5  # nats a token; a uniform guess among 512 tokens costs 6.2
    assert taught[1].examples == len(lessons())


def test_only_what_the_assistant_says_and_its_end_carry_loss() -> None:
    transformers: Any = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder(hidden=32, ffn=64), local_files_only=True)
    chat = [say("user", "Say red"), say("assistant", "red"), say("user", "Thanks"), say("assistant", "ok")]

    (turns,) = encode_chats(tokenizer, [chat], max_length=100)

    assert tokenizer.decode([label for label in turns.labels if label != IGNORED]) == "red<eos>ok<eos>"


def test_conversations_that_are_cut_before_any_answer_are_refused(bench: LessonsBench) -> None:
    with pytest.raises(WrongArtifact, match="no assistant speaks"):
        bench.attempt(bench.sft(max_length=2), "cut")


def test_an_attempt_that_was_killed_ends_in_the_same_bytes_and_metadata(bench: LessonsBench, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.stages.lessons_bench", str(tmp_path), '{"save_every": 10, "epochs": 8}']
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.getcwd()})
    end = time.monotonic() + 240
    while not list((tmp_path / "attempt" / "scratch").glob("**/complete.json")):
        assert time.monotonic() < end
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    process.kill()
    process.wait()
    again = LessonsBench(tmp_path / "again")
    (tmp_path / "attempt").rename(tmp_path / "again" / "attempt")

    resumed = again.attempt(again.sft(save_every=10, epochs=8))
    whole = bench.attempt(bench.sft(save_every=10, epochs=8), "undisturbed")

    assert resumed == whole
    one, other = ((each.output / "model.safetensors").read_bytes() for each in (again, bench))
    assert one == other


def test_a_run_shorter_than_one_interval_of_logging_has_a_loss(bench: LessonsBench) -> None:
    assert 4.0 < bench.attempt(bench.sft(epochs=1, batch=64, learning_rate=1e-6), "short").loss < 8.0


def test_two_processes_on_deepspeed_learn_the_same_as_one(bench: LessonsBench) -> None:
    one = bench.attempt(bench.sft(epochs=3), "one")
    two = bench.attempt(bench.sft(epochs=3, processes=2), "two")

    assert two.examples == one.examples
    assert two.loss == pytest.approx(one.loss, rel=0.25)


def test_a_loss_that_is_no_number_any_more_fails_the_stage(bench: LessonsBench) -> None:
    with pytest.raises(StageFailed, match="the loss is"):
        bench.attempt(bench.sft(learning_rate=1e30, clip=1e30, warmup=0.0), "diverged")


def test_nothing_in_the_artifact_names_a_folder_of_this_machine(bench: LessonsBench, taught: tuple[Sft, SftModel]) -> None:
    for name, content in bench.files(taught[0]).items():
        assert str(bench.folder).encode() not in content, name


def test_a_batch_that_does_not_divide_is_said_to_be_so(bench: LessonsBench) -> None:
    assert "batch: 10 rows do not divide" in messages(bench.sft(batch=10, micro_batch=4))


def test_a_line_that_is_no_conversation_is_named(bench: LessonsBench) -> None:
    broken = bench.give(Chats(conversations=2), {"chats.jsonl": lines(lessons()[:1]) + '{"messages": "hello"}\n'})

    with pytest.raises(WrongArtifact, match=r"chats\.jsonl:2"):
        bench.attempt(bench.sft(data=broken), "broken")


PLAIN = "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content + eos_token }}{% endgeneration %}{% endfor %}"


def test_what_it_was_taught_in_goes_with_the_model(bench: LessonsBench) -> None:
    stage = bench.sft(epochs=1, chat_template=PLAIN, rope_scaling=RopeScaling(factor=2))

    bench.attempt(stage, "template")
    config = json.loads((bench.output / "config.json").read_text(encoding="utf-8"))

    assert (bench.output / "chat_template.jinja").read_text(encoding="utf-8") == PLAIN
    assert config["max_position_embeddings"] == 2 * (context_of(bench.path(stage.base)) or 0) > 0
    assert config["rope_parameters"]["rope_type"] == "yarn"


def test_rows_are_never_longer_than_the_model_sees(bench: LessonsBench) -> None:
    base = bench.path(bench.sft().base)

    assert bench.sft(max_length=10**6).row_length(base) == context_of(base)
    assert bench.sft(max_length=7).row_length(base) == 7


def test_a_template_that_marks_no_answer_is_said_to_be_so(bench: LessonsBench) -> None:
    assert "chat_template: the template does not mark" in messages(bench.sft(chat_template="{{ messages }}"))
