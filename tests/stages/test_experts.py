"""A model with experts is built as it was declared, to the last parameter, and learns with its routers held in balance."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from pipeline_dsl import Checkpoint, Experts, Llama, Lora, Ref
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml import finetuning, lora, models
from pipeline_dsl.ml.awq import Scheme, refuse_unfit
from pipeline_dsl.ml.models import llama
from pipeline_dsl.stages.lora_sft import LoraSft
from pipeline_dsl.stages.merge import MergeSft
from pipeline_dsl.stages.pretrain import Pretrain
from tests.stages.lessons_bench import COLOURS, LessonsBench
from tests.stages.training_bench import TINY, TrainingBench, pretraining

pytestmark = pytest.mark.stages

SHAPE = Llama(hidden=32, layers=3, heads=4, kv_heads=2, ffn=48, vocabulary=64, context=32)
ROUTED = Experts(count=4, active=2, ffn=24)
SHARED = Experts(count=8, active=3, ffn=16, shared=2, dense=1)


def built(shape: Llama) -> Any:
    """A model with fresh weights."""
    return llama(shape, seed=0, special={}, spread=0.02)


@pytest.mark.parametrize("head_width", [None, 16])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    "experts",
    [None, ROUTED, SHARED, attrs.evolve(ROUTED, shared=1), attrs.evolve(ROUTED, dense=2), attrs.evolve(ROUTED, active=1, ffn=40)],
)
def test_the_model_has_as_many_parameters_to_train_as_its_declaration_counts(
    experts: Experts | None, tied: bool, head_width: int | None
) -> None:
    shape = attrs.evolve(SHAPE, experts=experts, tied=tied, head_width=head_width)

    assert sum(weights.numel() for weights in built(shape).parameters() if weights.requires_grad) == shape.parameters


def test_one_token_passes_through_as_many_parameters_as_are_called_active() -> None:
    torch: Any = pytest.importorskip("torch")
    shape = attrs.evolve(SHAPE, experts=ROUTED)
    model = built(shape)
    model(input_ids=torch.tensor([[5]])).logits.sum().backward()
    used = sum(
        int(weights.grad.flatten(1).any(1).sum()) * weights[0].numel() if weights.dim() == 3 else weights.numel()
        for weights in model.parameters()
    )

    assert used == shape.active_parameters


@pytest.mark.parametrize("experts", [ROUTED, SHARED])
def test_no_two_experts_are_given_the_same_scores_at_the_start(experts: Experts) -> None:
    model = built(attrs.evolve(SHAPE, experts=experts))
    routers = [weights for name, weights in model.named_parameters() if name.endswith(".gate.weight")]

    assert len(routers) == SHAPE.layers - experts.dense
    assert all(0.01 < float(weights.detach().std()) < 0.03 for weights in routers)


@pytest.mark.parametrize("experts", [ROUTED, SHARED])
def test_the_balancing_loss_is_its_weight_times_the_picked_experts_where_all_are_used_evenly(experts: Experts) -> None:
    torch: Any = pytest.importorskip("torch")
    model = built(attrs.evolve(SHAPE, experts=attrs.evolve(experts, balance=0.5)))
    ids = torch.randint(0, 64, (16, 32))

    both = model(input_ids=ids, labels=ids).loss.item()
    models.balance(model, wanted=False)

    assert both - model(input_ids=ids, labels=ids).loss.item() == pytest.approx(0.5 * experts.active, rel=0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"active": 9}, "9 of 4 experts cannot be picked"),
        ({"dense": 3}, "dense = 3 of 3 layers leaves none with experts"),
        ({"shared": -1}, "-1 shared experts cannot be"),
        ({"ffn": 0}, "experts are 0 wide"),
        ({"balance": -0.1}, "balance = -0.1 rewards routers"),
    ],
)
def test_experts_that_cannot_be_are_said_to_be_so(change: Mapping[str, Any], said: str) -> None:
    (problem,) = attrs.evolve(SHAPE, experts=attrs.evolve(ROUTED, **change)).problems()

    assert problem.startswith(said)


@pytest.fixture(scope="module", params=[ROUTED, SHARED], ids=["routed", "shared"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingBench, Pretrain, Checkpoint]:
    """A model with experts that counted up by two for a while."""
    bench = TrainingBench(tmp_path_factory.mktemp("experts"))
    stage = pretraining(bench, model=attrs.evolve(TINY, experts=request.param), processes=1, batch=16)
    return bench, stage, bench.attempt(stage)


@pytest.mark.slow
def test_it_learns_the_rule_and_loads_as_anybody_would_load_it(trained: tuple[TrainingBench, Pretrain, Checkpoint]) -> None:
    torch, transformers = (pytest.importorskip(name) for name in ("torch", "transformers"))
    bench, stage, made = trained
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(bench.output, local_files_only=True).eval()
    ids = torch.tensor(bench.validation_ids()[::2])  # 32 of 64 rows, spread evenly

    assert made.parameters == stage.model.parameters
    assert made.validation_loss is not None
    assert made.validation_loss < 2.0  # a uniform guess among 64 tokens costs 4.2 nats
    assert not model.config.output_router_logits
    with torch.no_grad():
        assert made.validation_loss == pytest.approx(float(model(input_ids=ids, labels=ids).loss), abs=1e-5)


@pytest.fixture(scope="module", params=[ROUTED, SHARED], ids=["routed", "shared"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[LessonsBench, Ref[Checkpoint]]:
    """A base model with experts and a chat template, of fresh weights."""
    bench = LessonsBench(tmp_path_factory.mktemp("lessons"))
    shape = attrs.evolve(SHAPE, vocabulary=512, context=128, experts=request.param)
    model = llama(shape, seed=0, special={"pad": 0, "bos": 1, "eos": 2}, spread=0.1)
    models.save(model, model.state_dict(), bench.folder / "model")
    models.copy_tokenizer(bench.path(bench.base), bench.folder / "model")
    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in (bench.folder / "model").iterdir()}
    return bench, bench.give(bench.meta(bench.base), files)


def test_it_is_taught_to_answer_with_its_routers_still_in_balance(base: tuple[LessonsBench, Ref[Checkpoint]]) -> None:
    bench, model = base
    stage = bench.sft(base=model, epochs=10)
    made = bench.run(stage)

    assert finetuning.causal(str(bench.path(model))).config.output_router_logits
    assert made.loss < 1.0
    answers = bench.answers(stage, [f"Say {colour} now" for colour in COLOURS])
    assert sum(answer == colour for answer, colour in zip(answers, COLOURS, strict=True)) >= 5


def test_adapters_beside_its_attention_are_merged_into_it(base: tuple[LessonsBench, Ref[Checkpoint]]) -> None:
    bench, model = base
    stage = LoraSft(
        base=model,
        data=bench.chats,
        lora=Lora(rank=4, targets=("q_proj", "k_proj", "v_proj", "o_proj")),
        learning_rate=1e-2,
        batch=16,
        precision="fp32",
    )
    bench.run(stage)
    merge = MergeSft(base=model, adapter=stage)
    bench.run(merge)
    (whole, _), (before, _) = bench.load(merge), bench.load(model)

    changed = {name for name, weights in whole.state_dict().items() if not weights.equal(before.state_dict()[name])}
    assert changed == {name for name in before.state_dict() if ".self_attn." in name}


def test_adapters_go_beside_attention_and_not_on_fused_experts() -> None:
    model = built(attrs.evolve(SHAPE, experts=SHARED))

    assert set(lora.config(model, Lora(targets=("q_proj", "v_proj"))).target_modules) == {"q_proj", "v_proj"}
    with pytest.raises(StageFailed, match="no matrix called `gate_proj`"):
        lora.config(model, Lora(targets=("q_proj", "gate_proj")))


def test_fused_experts_are_not_said_to_be_quantized() -> None:
    with pytest.raises(StageFailed, match="experts are fused in 6 tensors"):
        refuse_unfit(built(attrs.evolve(SHAPE, experts=ROUTED)), Scheme(group=8))
