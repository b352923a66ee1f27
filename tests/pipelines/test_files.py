"""Data that is taken over from files: only what is whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl import Llama, Source, Stage
from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.stages import LocalFiles
from pipelines.files import ChatFiles, ModelFiles, PreferenceFiles, PromptFiles, SuiteFiles
from tests.pipelines.desk import run

ASKED = [{"role": "user", "content": "Who?"}]
META = Source(origin="local", licence="CC0-1.0", digest="sha256:0")


@pytest.fixture
def source(tmp_path: Path) -> tuple[LocalFiles, Path]:
    folder = tmp_path / "source"
    folder.mkdir()
    return LocalFiles(path=str(folder), licence="CC0-1.0"), folder


def write(file: Path, *rows: Any) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def taken(stage: Stage[Any], source: tuple[LocalFiles, Path], tmp_path: Path) -> tuple[Path, Any]:
    return run(stage, tmp_path / "made", {source[0]: (source[1], META)})


def test_chats_are_taken_over_as_they_are(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    write(source[1] / "chats.jsonl", {"messages": ASKED}, {"messages": ASKED})

    output, meta = taken(ChatFiles(source=source[0], examples=2), source, tmp_path)

    assert meta.conversations == 2
    assert (output / "chats.jsonl").read_bytes() == (source[1] / "chats.jsonl").read_bytes()


def test_a_preference_without_a_rejected_answer_is_refused(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    write(source[1] / "pairs.jsonl", {"prompt": ASKED, "chosen": ASKED})

    with pytest.raises(WrongArtifact, match="line 1, has no `rejected`"):
        taken(PreferenceFiles(source=source[0], examples=1), source, tmp_path)


def test_fewer_rows_than_declared_are_refused(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    write(source[1] / "prompts.jsonl", {"prompt": ASKED})

    with pytest.raises(WrongArtifact, match="there are 1 rows, not 2"):
        taken(PromptFiles(source=source[0], examples=2), source, tmp_path)


def test_a_line_that_is_no_json_is_named(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    (source[1] / "prompts.jsonl").write_text('{"prompt": []}\n{"prompt"\n')

    with pytest.raises(WrongArtifact, match="line 2, is no JSON"):
        taken(PromptFiles(source=source[0], examples=2), source, tmp_path)


def test_a_suite_that_lacks_a_task_says_what_it_holds(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    (source[1] / "mmlu.yaml").write_text("task: mmlu\n")

    with pytest.raises(WrongArtifact, match=r"no `mmlu\.jsonl`") as caught:
        taken(SuiteFiles(source=source[0], tasks=("mmlu",), examples=1), source, tmp_path)
    assert "mmlu.yaml" in caught.value.help


def test_a_suite_counts_the_documents_of_each_task(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    for name, documents in (("mmlu", 3), ("gsm8k", 1)):
        (source[1] / f"{name}.yaml").write_text(f"task: {name}\n")
        write(source[1] / f"{name}.jsonl", *[{"question": name}] * documents)

    _, meta = taken(SuiteFiles(source=source[0], tasks=("mmlu", "gsm8k"), examples=4), source, tmp_path)

    assert meta.examples == {"mmlu": 3, "gsm8k": 1}


SHAPE = Llama(hidden=4, layers=1, heads=2, kv_heads=1, ffn=6, vocabulary=10, context=8)


def weights(folder: Path, *shapes: list[int]) -> None:
    """A safetensors file of zeros, written by its specification: 8 bytes of length, a JSON header, the data."""
    header: dict[str, Any] = {}
    end = 0
    for number, shape in enumerate(shapes):
        size = 4 * shape[0] * shape[-1] if len(shape) > 1 else 4 * shape[0]
        header[f"t{number}"] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")


def test_a_model_of_the_declared_size_is_taken_over(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    weights(source[1], [SHAPE.parameters - 20, 1], [20])

    output, meta = taken(ModelFiles(source=source[0], model=SHAPE), source, tmp_path)

    assert (meta.parameters, meta.scores) == (SHAPE.parameters, {})
    assert (output / "model.safetensors").read_bytes() == (source[1] / "model.safetensors").read_bytes()


def test_a_model_of_another_size_is_refused(source: tuple[LocalFiles, Path], tmp_path: Path) -> None:
    weights(source[1], [SHAPE.parameters - 1])

    with pytest.raises(WrongArtifact, match=f"hold {SHAPE.parameters - 1:,} parameters, not {SHAPE.parameters:,}"):
        taken(ModelFiles(source=source[0], model=SHAPE), source, tmp_path)
