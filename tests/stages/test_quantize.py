"""Weights in 4 bits: what is written is what was measured, and it costs little."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.artifacts import CausalModel, QuantizedModel
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.stages.evaluate import Evaluate, Task
from pipeline_dsl.stages.quantize import Quantize
from tests.stages.prose import paragraph
from tests.stages.tiny_model import give_chats, give_corpus, give_model, give_suite, library, model_folder, questions
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages

RUNTIMES = ("compressed-tensors", "tensorrt-llm")
TASKS = (Task(name="colours"), Task(name="chats", chat=True))
SMALL: dict[str, Any] = {"tasks": TASKS, "samples": 8, "length": 64, "rows": 16}


def quantize(bench: Workbench, model: Ref[CausalModel] | None = None, **fields: Any) -> tuple[QuantizedModel, Quantize]:
    """(metadata, the stage)"""
    stage = Quantize(
        model=model or give_model(bench, steps=20),
        calibration=give_chats(bench),
        suite=give_suite(bench),
        **(SMALL | fields),
    )
    return bench.run(stage), stage


def logits(bench: Workbench, folder: Path, ids: list[list[int]]) -> Any:
    """Log-probabilities of a model whose weights are in 16 bits or less."""
    torch = library("torch")

    from pipeline_dsl.ml.causal import load_causal

    model, _ = load_causal(bench, folder, "float32" if "Quantize" in str(folder) else "bfloat16")
    with torch.no_grad():
        return model(torch.tensor(ids)).logits.log_softmax(-1)


def rows_of_prose() -> list[list[int]]:
    transformers = library("transformers")

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(model_folder(steps=20))
    return [tokenizer("<bos>" + paragraph(seed))["input_ids"][:100] for seed in range(500, 508)]


def divergence(bench: Workbench, one: Path, other: Path) -> float:
    """Mean KL(one || other) a token, in nats."""
    ids = rows_of_prose()
    first, second = logits(bench, one, ids), logits(bench, other, ids)
    return float((first.exp() * (first - second)).sum(-1).mean())


def per_token(bench: Workbench, one: Path, other: Path, texts: list[str]) -> float:
    """Mean KL(one || other) a token in nats, a text at a time: what a stage does in padded batches."""
    transformers = library("transformers")

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(one)
    total = count = 0.0
    for text in texts:
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"]]
        first, second = logits(bench, one, ids), logits(bench, other, ids)
        total += float((first.exp() * (first - second)).sum())
        count += len(ids[0])
    return total / count


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_divergence_is_that_of_the_written_files_from_the_16_bit_model_on_questions_with_their_answers(
    tmp_path: Path, runtime: str
) -> None:
    bench = Workbench(tmp_path)
    meta, stage = quantize(bench, runtime=runtime, tasks=(TASKS[0],), rows=20)

    texts = [f"<bos>{row['question']} {row['choices'][row['answer']]}" for row in questions()]
    assert meta.kl.value == pytest.approx(per_token(bench, bench.path(stage.model), bench.path(stage), texts), rel=1e-3)
    assert meta.kl.samples == 20
    assert meta.kl.stderr is not None
    assert 0 < meta.kl.stderr < meta.kl.value < 0.5


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_weights_take_less_than_half_the_bytes(tmp_path: Path, runtime: str) -> None:
    meta, stage = quantize(bench := Workbench(tmp_path), runtime=runtime)

    assert meta.size == sum(len(data) for name, data in bench.files(stage).items() if name.endswith(".safetensors"))
    assert meta.size < 0.6 * meta.source_size


def test_the_packed_model_is_loaded_by_transformers_and_writes(tmp_path: Path) -> None:
    torch = library("torch")
    transformers = library("transformers")

    _, stage = quantize(bench := Workbench(tmp_path))

    folder = bench.path(stage)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    assert model.config.quantization_config.quant_method == "compressed-tensors"
    written = model.generate(**tokenizer("<bos>the miller", return_tensors="pt"), max_new_tokens=5, do_sample=False)
    assert written.shape[1] > 3


def test_what_tensorrt_loads_says_how_it_is_packed(tmp_path: Path) -> None:
    _, stage = quantize(bench := Workbench(tmp_path), runtime="tensorrt-llm")

    packing = json.loads(bench.files(stage)["hf_quant_config.json"])["quantization"]
    assert (packing["quant_algo"], packing["group_size"], packing["exclude_modules"][0]) == ("W4A16_AWQ", 128, "lm_head")


def test_a_packed_model_for_tensorrt_can_be_evaluated(tmp_path: Path) -> None:
    _, stage = quantize(bench := Workbench(tmp_path), runtime="tensorrt-llm")

    report = bench.run(Evaluate(model=stage, suite=stage.suite, tasks=TASKS))

    assert set(report.results) == {"colours", "chats"}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_columns_in_the_wrong_order_would_show_in_the_divergence(tmp_path: Path, runtime: str) -> None:
    torch = library("torch")
    safetensors = library("safetensors.torch")

    meta, stage = quantize(bench := Workbench(tmp_path), runtime=runtime)
    spoilt = tmp_path / "spoilt"
    shutil.copytree(bench.path(stage), spoilt)
    tensors: dict[str, Any] = safetensors.load_file(spoilt / "model.safetensors")
    packed = {name: tensor for name, tensor in tensors.items() if tensor.dtype in (torch.int32, torch.uint8)}
    safetensors.save_file(
        tensors | {name: tensor.flip(1).contiguous() for name, tensor in packed.items()}, spoilt / "model.safetensors", {"format": "pt"}
    )

    assert len(packed) == 14
    assert divergence(bench, bench.path(stage.model), spoilt) > 20 * meta.kl.value


def salient(bench: Workbench) -> Ref[CausalModel]:
    """A model in which four channels carry large activations, as large models have them."""
    safetensors = library("safetensors.torch")

    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in model_folder(steps=80).iterdir()}
    copy = bench.folder / "salient.safetensors"
    copy.write_bytes((model_folder(steps=80) / "model.safetensors").read_bytes())
    tensors: dict[str, Any] = safetensors.load_file(copy)
    for name, tensor in tensors.items():
        if "layernorm" in name:
            tensor[::32] *= 4.0
    safetensors.save_file(tensors, copy, {"format": "pt"})
    return bench.give(CausalModel(parameters=0), files | {"model.safetensors": copy.read_bytes()})


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_awq_beats_rounding_to_nearest_where_some_channels_matter_more(tmp_path: Path, runtime: str) -> None:
    bench = Workbench(tmp_path)
    model = salient(bench)

    awq, _ = quantize(bench, model, runtime=runtime, samples=16, rows=40)
    rounded, _ = quantize(bench, model, runtime=runtime, samples=16, rows=40, method="rtn")

    assert awq.kl.value < 0.9 * rounded.kl.value


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    (one, first), (other, second) = quantize(a := Workbench(tmp_path / "a")), quantize(b := Workbench(tmp_path / "b"))

    assert one == other
    assert a.files(first) == b.files(second)
    assert str(tmp_path).encode() not in b"".join(a.files(first).values())


def test_a_corpus_calibrates_as_well(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = Quantize(
        model=give_model(bench, steps=20),
        calibration=give_corpus(bench),
        suite=give_suite(bench),
        tasks=TASKS,
        samples=8,
        length=64,
        rows=8,
    )

    assert bench.run(stage).kl.value < 0.1


def test_a_width_that_groups_do_not_divide_is_named(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    with pytest.raises(StageFailed, match=r"groups of 128 channels: .*reads 96"):
        quantize(bench, give_model(bench, hidden=96, ffn=256))


def test_too_little_calibration_data_is_told_in_tokens(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="64 rows of 128 need 8,192"):
        quantize(Workbench(tmp_path), samples=64, length=4000)  # the model's context is 128


def test_a_group_that_fills_no_words_is_refused_by_the_declaration(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = Quantize(model=give_model(bench), calibration=give_chats(bench), suite=give_suite(bench), tasks=TASKS, group=20)

    assert "multiple of 8" in messages(stage)


def test_the_accuracy_delta_is_paired_by_document() -> None:
    from pipeline_dsl.ml.distortion import paired_delta
    from pipeline_dsl.ml.harness import Answers

    def answers(*scores: float) -> dict[str, Answers]:
        rows = [{"filter": "none", "acc": score} for score in scores]
        return {"task": Answers(values={"acc,none": 0.0}, samples=rows, documents=len(rows))}

    delta = paired_delta(answers(1, 1, 0, 0), answers(1, 0, 0, 0), {"task": "acc,none"})

    assert delta.value == -25
    assert delta.stderr == pytest.approx(100 * math.sqrt(3 / 16 * 4 / 3 / 4))  # variance of (0, -1, 0, 0) over 4


def test_the_standard_error_of_the_divergence_counts_rows_and_not_tokens(tmp_path: Path) -> None:
    """Rows of one repeated text add no knowledge about the tokens inside it, only rows do."""
    from pipeline_dsl.ml.causal import load_causal
    from pipeline_dsl.ml.distortion import token_divergence

    bench = Workbench(tmp_path)
    source, _ = load_causal(bench, model_folder(steps=20))
    other, _ = load_causal(bench, model_folder())
    rows = rows_of_prose()

    once, twice = (token_divergence(bench, source, other, many) for many in (rows, rows + rows))

    assert twice.value == pytest.approx(once.value)
    assert once.stderr is not None
    assert twice.stderr == pytest.approx(once.stderr * math.sqrt(1 / 2 * (16 / 15) / (8 / 7)), rel=1e-3)


def test_the_patch_that_leaves_memory_unpinned_is_taken_back(tmp_path: Path) -> None:
    cache = library("llmcompressor.pipelines.cache").IntermediatesCache

    from pipeline_dsl.ml.awq import pinning_only_for_accelerators

    before = cache.pin_memory
    with pytest.raises(KeyError), pinning_only_for_accelerators(Workbench(tmp_path)):
        raise KeyError

    assert cache.pin_memory is before
