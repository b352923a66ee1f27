"""A model to start from: another chat template, a longer context, the same weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl import RopeScaling
from pipeline_dsl.ml.starting import context_of, start_from
from tests.stages.tiny_model import model_folder

PLAIN = "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content + eos_token }}{% endgeneration %}{% endfor %}"


@pytest.fixture(scope="module")
def base() -> Path:
    return model_folder(hidden=32, ffn=64)


def settings(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def test_where_nothing_changes_the_artifact_itself_is_started_from(base: Path, tmp_path: Path) -> None:
    assert start_from(base, tmp_path / "start") == base
    assert not (tmp_path / "start").exists()


def test_a_new_chat_template_is_the_one_that_the_tokenizer_writes(base: Path, tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")

    tokenizer = transformers.AutoTokenizer.from_pretrained(start_from(base, tmp_path / "start", chat_template=PLAIN), local_files_only=True)

    assert tokenizer.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False) == "user: hello<eos>"


def test_the_artifact_keeps_its_own_template(base: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in base.iterdir()}

    start_from(base, tmp_path / "start", chat_template=PLAIN, rope=RopeScaling(factor=2))

    assert {file.name: file.read_bytes() for file in base.iterdir()} == before


@pytest.mark.parametrize("kind", ["linear", "yarn"])
def test_a_stretched_model_sees_further_and_its_positions_are_scaled(kind: Any, base: Path, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    before = context_of(base)
    assert before is not None

    folder = start_from(base, tmp_path / "start", rope=RopeScaling(factor=4, kind=kind))
    one, other = (transformers.AutoModelForCausalLM.from_pretrained(place, local_files_only=True).eval() for place in (base, folder))
    ids = torch.arange(3, 35)[None]

    assert context_of(folder) == 4 * before
    assert other.config.rope_parameters["rope_type"] == kind
    assert other.config.rope_parameters["factor"] == 4
    with torch.no_grad():
        assert not torch.allclose(one(input_ids=ids).logits, other(input_ids=ids).logits)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_linear_interpolation_divides_positions_by_the_factor(base: Path, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")

    folder = start_from(base, tmp_path / "start", rope=RopeScaling(factor=4, kind="linear"))
    one, other = (transformers.AutoModelForCausalLM.from_pretrained(place, local_files_only=True).eval() for place in (base, folder))
    ids = torch.arange(3, 11)[None]

    with torch.no_grad():
        near = one(input_ids=ids, position_ids=torch.arange(8)[None] / 4).logits
        far = other(input_ids=ids, position_ids=torch.arange(8)[None]).logits
    assert torch.allclose(near, far, atol=1e-5)


def test_a_folder_left_from_a_killed_attempt_is_used_again(base: Path, tmp_path: Path) -> None:
    first = start_from(base, tmp_path / "start", rope=RopeScaling(factor=2))
    kept = settings(first)

    assert settings(start_from(base, tmp_path / "start", rope=RopeScaling(factor=2))) == kept
