"""Adapters learn beside a model that stays as it is, and become a whole model with the one they were trained on, and no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl import Lora, Policy, PolicyAdapter, SftAdapter, SftModel
from pipeline_dsl.base.fault import DigestMismatch, Exit, StageFailed
from pipeline_dsl.ml.lora import frozen
from pipeline_dsl.stages.lora_dpo import LoraDpo
from pipeline_dsl.stages.lora_sft import LoraSft
from pipeline_dsl.stages.merge import MergePolicy, MergeSft
from tests.stages.lessons_bench import LessonsBench, changed
from tests.stages.tiny_model import model_folder
from tests.stages.workbench import messages

pytestmark = pytest.mark.stages

SMALL = Lora(rank=8, alpha=16.0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("lora"))


def tuning(bench: LessonsBench, **changes: Any) -> LoraSft:
    """Adapters that learn some of the lessons in a few seconds."""
    given: dict[str, Any] = {"base": bench.base, "data": bench.chats, "lora": SMALL, "learning_rate": 3e-2, "batch": 16, "epochs": 4}
    return LoraSft(**changed(given, **{"precision": "fp32"} | changes))


@pytest.fixture(scope="module")
def adapter(bench: LessonsBench) -> tuple[LoraSft, SftAdapter]:
    stage = tuning(bench)
    return stage, bench.run(stage)


@pytest.fixture(scope="module")
def whole(bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter]) -> tuple[MergeSft, SftModel]:
    stage = MergeSft(base=bench.base, adapter=adapter[0])
    return stage, bench.run(stage)


def test_an_adapter_is_its_matrices_and_what_they_belong_to(bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter]) -> None:
    stage, made = adapter

    assert set(bench.files(stage)) == {"adapter_model.safetensors", "adapter_config.json"}
    assert made.base == bench.digest(bench.base)
    assert (made.rank, made.alpha, made.targets, made.held) == (8, 16.0, SMALL.targets, "bf16")
    # Two layers of width 32 with two of four heads for keys and values, and 64 wide inside: (inputs + outputs) x rank each.
    assert made.parameters == 2 * 8 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))
    assert made.loss < 5.0  # a uniform guess among 512 tokens costs 6.2 nats


def test_merging_adds_the_scaled_product_of_the_two_matrices(
    bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter], whole: tuple[MergeSft, SftModel]
) -> None:
    safetensors: Any = pytest.importorskip("safetensors.torch")
    read: Any = safetensors.load_file
    base, model = (read(bench.path(ref) / "model.safetensors") for ref in (bench.base, whole[0]))
    pairs = read(bench.path(adapter[0]) / "adapter_model.safetensors")
    name = "model.layers.1.mlp.up_proj"
    down, up = (pairs[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")

    update = model[f"{name}.weight"] - base[f"{name}.weight"]

    assert update.abs().max() > 1e-3
    assert (update - 16.0 / 8 * up @ down).abs().max() < 1e-5
    assert model["model.embed_tokens.weight"].equal(base["model.embed_tokens.weight"])
    assert set(model) == set(base)


def test_the_merged_model_is_an_sft_model_that_says_how_it_was_taught(
    bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter], whole: tuple[MergeSft, SftModel]
) -> None:
    assert whole[1] == SftModel(parameters=bench.meta(bench.base).parameters, recipe="lora-8-bf16", examples=192, loss=adapter[1].loss)


def test_training_twice_gives_the_same_bytes(bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter]) -> None:
    bench.attempt(adapter[0], "again")

    for name, content in bench.files(adapter[0]).items():
        assert (bench.output / name).read_bytes() == content, name


def test_another_seed_gives_other_matrices(bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter]) -> None:
    bench.seed = 1
    try:
        bench.attempt(adapter[0], "other-seed")
    finally:
        bench.seed = 0

    assert (bench.output / "adapter_model.safetensors").read_bytes() != bench.files(adapter[0])["adapter_model.safetensors"]


def test_an_adapter_is_not_merged_into_another_model_than_its_own(bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter]) -> None:
    folder = bench.path(bench.base)
    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in folder.iterdir()}
    other = bench.give(bench.meta(bench.base), files | {"config.json": (folder / "config.json").read_bytes() + b"\n"})

    with pytest.raises(DigestMismatch, match="the adapter was trained on") as refused:
        bench.attempt(MergeSft(base=other, adapter=adapter[0]), "wrong-base")

    assert refused.value.exit == Exit.DIGEST
    assert list(bench.output.iterdir()) == []


def test_a_base_in_four_bits_is_really_held_in_four_bits() -> None:
    torch: Any = pytest.importorskip("torch")
    folder = str(model_folder(hidden=32, ffn=64))

    whole = frozen(folder, SMALL, dtype=torch.float32, device="cpu")
    packed = frozen(folder, Lora(base="nf4"), dtype=torch.float32, device="cpu")

    weights, packing = whole.model.layers[0].mlp.up_proj.weight, packed.model.layers[0].mlp.up_proj.weight
    assert packing.numel() * packing.element_size() == weights.numel() // 2
    assert packing.quant_type == "nf4"
    assert packed.get_memory_footprint() < whole.get_memory_footprint()


def test_beside_a_base_in_four_bits_adapters_learn_and_merge_into_the_whole_one(bench: LessonsBench) -> None:
    stage = tuning(bench, lora=Lora(rank=8, alpha=16.0, base="nf4"))
    made = bench.run(stage)
    merged = MergeSft(base=bench.base, adapter=stage)

    assert made.held == "nf4"
    assert made.loss < 5.0
    assert bench.run(merged).recipe == "lora-8-nf4"
    model, _ = bench.load(merged)
    assert {str(weight.dtype) for weight in model.state_dict().values()} == {"torch.float32"}


@pytest.mark.slow
def test_two_processes_on_deepspeed_train_an_adapter_under_each_way_of_dividing(bench: LessonsBench) -> None:
    one = bench.attempt(tuning(bench, epochs=2), "one")
    for stage in (2, 3):
        two = bench.attempt(tuning(bench, epochs=2, processes=2, zero_stage=stage), f"zero-{stage}")

        assert two.parameters == one.parameters
        assert two.loss == pytest.approx(one.loss, rel=0.25)


def test_a_target_that_the_model_has_not_is_refused_with_those_that_it_has(bench: LessonsBench) -> None:
    with pytest.raises(StageFailed, match="no matrix called `c_attn`") as refused:
        bench.attempt(tuning(bench, lora=Lora(targets=("q_proj", "c_attn"))), "absent")

    assert "down_proj" in refused.value.help


def test_a_policy_adapter_says_how_far_the_merged_policy_moved(bench: LessonsBench, whole: tuple[MergeSft, SftModel]) -> None:
    stage = LoraDpo(
        policy=whole[0],
        data=bench.pairs,
        held=bench.held,
        prompts=bench.asked,
        lora=Lora(rank=4),
        batch=12,
        epochs=4,
        learning_rate=1e-2,
        precision="fp32",
        kl_budget=50.0,
        max_new_tokens=12,
    )
    made: PolicyAdapter = bench.run(stage)
    merge = MergePolicy(base=whole[0], adapter=stage)
    policy: Policy = bench.run(merge)

    assert made.base == made.reference == bench.digest(whole[0])
    assert made.kl.per_sequence.value > 0.01
    assert policy.scores == made.scores
    assert set(merge.measures()) == set(policy.scores)


def test_an_adapter_of_no_step_leaves_the_policy_where_it_was(bench: LessonsBench, whole: tuple[MergeSft, SftModel]) -> None:
    stage = LoraDpo(
        policy=whole[0],
        data=bench.pairs,
        held=bench.held,
        prompts=bench.asked,
        batch=12,
        learning_rate=1e-12,
        precision="fp32",
        kl_budget=1.0,
        max_new_tokens=12,
    )

    assert bench.attempt(stage, "still").kl.per_sequence.value == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("lora", "said"),
    [
        (Lora(rank=0), "rank = 0 leaves no matrix"),
        (Lora(alpha=0.0), "alpha = 0 scales"),
        (Lora(dropout=1.0), "dropout = 1 is not"),
        (Lora(targets=()), "targets names no matrix"),
        (Lora(targets=("q_proj", "q_proj")), "targets names a matrix twice"),
    ],
)
def test_an_adapter_that_cannot_be_is_said_to_be_so(bench: LessonsBench, lora: Lora, said: str) -> None:
    assert f"lora: {said}" in messages(tuning(bench, lora=lora))


def test_four_bit_weights_are_not_divided_between_processes(bench: LessonsBench) -> None:
    assert "zero_stage: ZeRO-3 divides" in messages(tuning(bench, lora=Lora(base="nf4"), zero_stage=3, processes=2))


def damaged(bench: LessonsBench, adapter: LoraSft, folder: Path, **config: Any) -> list[str]:
    """What is said of an adapter whose configuration was changed."""
    files = bench.files(adapter)
    files["adapter_config.json"] = json.dumps(json.loads(files["adapter_config.json"]) | config).encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return list(SftAdapter.check(folder))


def test_an_adapter_of_another_rank_than_its_configuration_says_is_found(
    bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter], tmp_path: Path
) -> None:
    assert "has rank 8, the configuration says 4" in damaged(bench, adapter[0], tmp_path, r=4)[0]


def test_an_adapter_without_the_matrices_of_a_target_is_found(
    bench: LessonsBench, adapter: tuple[LoraSft, SftAdapter], tmp_path: Path
) -> None:
    assert damaged(bench, adapter[0], tmp_path, target_modules=["q_proj", "wqkv"]) == ["no matrix of `wqkv` is adapted"]
