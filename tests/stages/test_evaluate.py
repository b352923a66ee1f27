"""Scores of a model, by lm-eval on files, against the log-probabilities themselves."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import StageFailed, UnsafePath, WrongArtifact
from pipeline_dsl.lang.artifacts import EvalReport, EvalSuite
from pipeline_dsl.ml import chat
from pipeline_dsl.stages.evaluate import Evaluate, Task
from tests.stages.tiny_model import choice_task, give_model, give_suite, library, lines, model_folder, questions
from tests.stages.workbench import Workbench, declared, messages, revived

pytestmark = pytest.mark.stages

CHOICE = Task(name="colours")
CHAT = Task(name="chats", chat=True)
WRITING = Task(name="writing", metric="writes_a", source="exact_match", unit="fraction", better="lower", family="safety", chat=True)


def evaluate(bench: Workbench, *tasks: Task, **fields: Any) -> tuple[EvalReport, dict[str, bytes]]:
    """(metadata, files)"""
    stage = Evaluate(model=give_model(bench, steps=20), suite=give_suite(bench), tasks=tasks, **fields)
    return bench.run(stage), bench.files(stage)


def samples(files: dict[str, bytes], task: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in files["samples.jsonl"].splitlines()]
    return [row for row in rows if row["task"] == task]


def log_probability(context: str, continuation: str) -> float:
    """log P(continuation | context) in nats, one plain forward pass, nothing of ours."""
    torch = library("torch")
    transformers = library("transformers")

    folder = model_folder(steps=20)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    before: list[int] = tokenizer(context, add_special_tokens=False)["input_ids"]
    ids: list[int] = tokenizer(context + continuation, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        predicted = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(predicted[at - 1, ids[at]]) for at in range(len(before), len(ids)))


def test_a_choice_has_the_log_probability_that_a_plain_forward_pass_gives_it(tmp_path: Path) -> None:
    _, files = evaluate(Workbench(tmp_path), CHOICE)

    for row, question in list(zip(samples(files, "colours"), questions(), strict=True))[:6]:
        expected = [log_probability(chat.BOS + question["question"], " " + choice) for choice in question["choices"]]
        assert [answer[0][0] for answer in row["answers"]] == pytest.approx(expected, rel=1e-4)


def test_a_chat_is_asked_in_the_models_template(tmp_path: Path) -> None:
    _, files = evaluate(Workbench(tmp_path), CHAT)

    row, question = samples(files, "chats")[0], questions()[0]
    assert row["prompt"] == f"<bos><|user|>{question['question']}<|assistant|>"
    expected = [log_probability(row["prompt"], choice) for choice in question["choices"]]
    assert [answer[0][0] for answer in row["answers"]] == pytest.approx(expected, rel=1e-4)


def test_the_score_is_the_share_of_documents_whose_right_choice_is_the_likeliest(tmp_path: Path) -> None:
    report, files = evaluate(Workbench(tmp_path), CHOICE)

    likeliest = [max(range(4), key=lambda index: row["answers"][index][0][0]) for row in samples(files, "colours")]
    hits = sum(choice == question["answer"] for choice, question in zip(likeliest, questions(), strict=True))
    assert 0 < hits < 20
    assert report.results["colours"].value == pytest.approx(5 * hits)


def test_the_standard_error_is_that_of_a_mean_in_the_unit_of_the_score(tmp_path: Path) -> None:
    report, _ = evaluate(Workbench(tmp_path), CHOICE)

    score = report.results["colours"]
    share = score.value / 100
    assert score.samples == 20
    assert score.stderr == pytest.approx(100 * math.sqrt(share * (1 - share) / 19))


def test_answers_that_are_written_are_counted_by_the_tasks_filter_in_fractions(tmp_path: Path) -> None:
    report, files = evaluate(Workbench(tmp_path), WRITING)

    written = [row["answers"][0][0] for row in samples(files, "writing")]
    assert all(written)
    score = report.results["writes_a"]
    assert (score.value, score.samples) == (pytest.approx(sum("a" not in text for text in written) / 20), 20)


def test_the_report_and_its_files_are_the_same_every_time(tmp_path: Path) -> None:
    first = evaluate(Workbench(tmp_path / "a"), CHOICE, CHAT, WRITING)
    second = evaluate(Workbench(tmp_path / "b"), CHOICE, CHAT, WRITING)

    assert first == second
    assert str(tmp_path).encode() not in b"".join(first[1].values())


def test_solved_examples_come_before_the_question(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    suite = give_suite(bench, colours=choice_task("colours", fewshot_split="test"))
    stage = Evaluate(model=give_model(bench, steps=20), suite=suite, tasks=(Task(name="colours", shots=2),))
    bench.run(stage)

    prompt = samples(bench.files(stage), "colours")[0]["prompt"]
    assert prompt.count("\n\n") == 2
    assert prompt.endswith(questions()[0]["question"])


def test_a_task_that_the_suite_does_not_have_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="no task colors") as error:
        evaluate(Workbench(tmp_path), Task(name="colors"))

    assert "chats, colours, writing" in error.value.help


def test_a_score_that_a_task_does_not_give_is_named_with_those_that_it_gives(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="does not measure `f1`") as error:
        evaluate(Workbench(tmp_path), Task(name="colours", source="f1"))

    assert "acc,none, acc_norm,none" in error.value.help


@pytest.mark.parametrize(
    ("change", "fault", "text"),
    [
        ({"dataset_path": "somebody/data"}, WrongArtifact, "not local documents"),
        ({"dataset_kwargs": {"data_files": {"test": "../../secret.jsonl"}}}, UnsafePath, "outside the suite"),
        ({"dataset_kwargs": {"data_files": {"test": "absent.jsonl"}}}, WrongArtifact, "does not hold"),
        ({"dataset_kwargs": {}}, WrongArtifact, "names no documents"),
    ],
)
def test_a_task_that_reads_anything_but_the_suites_own_documents_is_refused(tmp_path: Path, change: Any, fault: Any, text: str) -> None:
    bench = Workbench(tmp_path)
    suite = give_suite(bench, colours=choice_task("colours", **change))

    with pytest.raises(fault, match=text):
        bench.run(Evaluate(model=give_model(bench, steps=20), suite=suite, tasks=(CHOICE,)))


def test_a_task_file_with_code_in_it_is_refused_and_the_code_not_run(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    suite = give_suite(bench, colours="task: colours\ndoc_to_text: !function os.getcwd\n")

    with pytest.raises(WrongArtifact, match="not a plain task file"):
        bench.run(Evaluate(model=give_model(bench, steps=20), suite=suite, tasks=(CHOICE,)))


def test_a_question_that_is_longer_than_the_models_context_is_answered_as_lm_eval_does(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    rows = questions()
    rows[3] = {**rows[3], "question": "the miller carried seven letters " * 40}
    suite = bench.give(EvalSuite(tasks=("colours",), examples={}), {"colours.yaml": choice_task("colours"), "colours.jsonl": lines(rows)})
    stage = Evaluate(model=give_model(bench, steps=20), suite=suite, tasks=(CHOICE,))
    bench.run(stage)
    _, plain = evaluate(Workbench(tmp_path / "plain"), CHOICE)

    long, short = samples(bench.files(stage), "colours"), samples(plain, "colours")
    assert long[3]["answers"] != short[3]["answers"]
    assert [row["answers"] for row in long if row["document"] != 3] == [row["answers"] for row in short if row["document"] != 3]


def test_the_declaration_alone_shows_two_tasks_of_one_metric(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = Evaluate(model=give_model(bench), suite=give_suite(bench), tasks=(CHOICE, Task(name="chats", metric="colours")))

    assert "two tasks give the metric `colours`" in messages(stage)


def test_an_evaluation_without_tasks_is_refused(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    assert "measures nothing" in messages(Evaluate(model=give_model(bench), suite=give_suite(bench), tasks=()))


def test_tasks_survive_the_journey_through_a_plan(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = Evaluate(model=give_model(bench), suite=give_suite(bench), tasks=(CHOICE, WRITING))

    assert revived(stage) == declared(stage)
