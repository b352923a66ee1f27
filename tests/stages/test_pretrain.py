"""Pre-training learns, survives being killed, and leaves a model that loads."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from pipeline_dsl import Checkpoint, Llama, Size, Sizes
from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.ml import pretraining
from tests.stages.training_bench import LENGTH, TINY, VOCABULARY, TrainingBench, pretraining as declare, rows
from tests.stages.workbench import declared, messages, revived

pytestmark = pytest.mark.stages

ZERO = (0, 1, 2, 3)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run for each ZeRO stage, `zero-2/model` and so on, and the `fault` of one that diverged after them.

    All are of one launch, since starting takes longer than training does.
    """
    bench = TrainingBench(tmp_path_factory.mktemp("undisturbed"))
    bench.scratch = bench.folder / "scratch"
    bench.scratch.mkdir()
    declarations = {f"zero-{stage}": declare(bench, zero_stage=stage, save_every=1000) for stage in ZERO}
    declarations["diverged"] = declare(bench, learning_rate=1e20, weight_decay=1e20, clip=1e30, warmup=0.0)
    runs: list[Any] = []
    for name, declaration in declarations.items():
        model = bench.folder / name / "model"
        model.mkdir(parents=True)
        run = pretraining.Run(recipe=declaration.recipe(bench, TINY), folder=str(model.parent), output=str(model))
        runs.append(pretraining.config(run))
    with pytest.raises(StageFailed) as caught:
        bench.launch(pretraining.SWEEP, {"runs": runs}, processes=2)
    (bench.folder / "fault").write_text(str(caught.value))
    return bench.folder


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingBench, Checkpoint]:
    """A run that was killed after a checkpoint, whose last checkpoint was then cut short, and that went on."""
    folder = tmp_path_factory.mktemp("killed")
    module = [sys.executable, "-m", "tests.stages.training_bench", str(folder)]
    run = folder / "scratch" / "run"
    process = subprocess.Popen(module, env=os.environ | {"PYTHONPATH": os.getcwd()})
    end = time.monotonic() + 300
    while len(list(run.glob("checkpoint-*/complete.json"))) < 2:
        assert time.monotonic() < end
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.kill()
    process.wait()
    time.sleep(1)  # its ranks die with it
    assert not (run / "outcome.json").exists()
    last = max(run.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    weights = max(last.rglob("*.pt"), key=lambda path: path.stat().st_size)
    weights.write_bytes(weights.read_bytes()[:-100])
    bench = TrainingBench(folder)
    return bench, bench.attempt(declare(bench))


def test_a_run_that_was_killed_ends_in_the_bits_of_one_that_was_not(resumed: tuple[TrainingBench, Checkpoint], undisturbed: Path) -> None:
    bench, made = resumed

    assert (bench.output / "model.safetensors").read_bytes() == (undisturbed / "zero-2" / "model" / "model.safetensors").read_bytes()
    outcome = pretraining.outcome(undisturbed / "zero-2")
    assert outcome is not None
    assert made.loss_curve == outcome.curve


def test_a_run_that_was_killed_does_not_begin_anew(resumed: tuple[TrainingBench, Checkpoint]) -> None:
    bench, _ = resumed

    log = next((bench.scratch / "launch" / "logs").glob("0/*/attempt_0/0/stdout.log")).read_text()

    first = int(log.partition("step ")[2].partition("/")[0])
    assert first > 5  # of the two complete checkpoints, the one that was left whole


def test_a_run_that_was_killed_while_its_model_was_written_ends_in_the_same_bits(
    resumed: tuple[TrainingBench, Checkpoint], undisturbed: Path
) -> None:
    bench, made = resumed
    (bench.scratch / "run" / "outcome.json").unlink()

    assert bench.attempt(declare(bench)) == made
    assert (bench.output / "model.safetensors").read_bytes() == (undisturbed / "zero-2" / "model" / "model.safetensors").read_bytes()


def test_the_metadata_says_what_was_done(resumed: tuple[TrainingBench, Checkpoint]) -> None:
    _, made = resumed

    assert (made.steps, made.tokens, made.parameters) == (40, 40 * 16 * LENGTH, TINY.parameters)
    assert made.validation_loss == made.loss_curve[-1][1]
    assert [step for step, _ in made.loss_curve] == [20, 40]


@pytest.mark.parametrize("stage", ZERO)
def test_validation_loss_falls_far_below_chance_at_every_zero_stage(undisturbed: Path, stage: int) -> None:
    outcome = pretraining.outcome(undisturbed / f"zero-{stage}")

    assert outcome is not None
    assert outcome.curve[-1][1] < 1 < 4 < _chance()


@pytest.mark.parametrize("stage", ZERO)
def test_the_saved_model_has_the_validation_loss_that_was_recorded(undisturbed: Path, stage: int) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(undisturbed / f"zero-{stage}" / "model", local_files_only=True).eval()
    held_out = TrainingBench(undisturbed / f"again-{stage}").validation_ids()[::2]  # 32 of 64 rows, spread evenly
    ids = torch.tensor(held_out)
    with torch.no_grad():
        loss = float(model(input_ids=ids, labels=ids).loss)

    outcome = pretraining.outcome(undisturbed / f"zero-{stage}")
    assert outcome is not None
    assert loss == pytest.approx(outcome.curve[-1][1], abs=1e-5)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert sum(weight.numel() for weight in model.parameters()) == TINY.parameters


def test_dividing_optimizer_and_gradients_changes_no_loss(undisturbed: Path) -> None:
    losses = [outcome.curve[-1][1] for stage in (0, 1, 2) if (outcome := pretraining.outcome(undisturbed / f"zero-{stage}"))]

    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)


def test_the_tokenizer_comes_with_the_model(resumed: tuple[TrainingBench, Checkpoint]) -> None:
    transformers: Any = pytest.importorskip("transformers")

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(resumed[0].output, local_files_only=True)

    assert (len(tokenizer), tokenizer.pad_token_id, tokenizer.bos_token_id) == (VOCABULARY, 0, 1)


def test_rows_longer_than_the_context_are_refused_before_training(tmp_path: Path) -> None:
    bench = TrainingBench(tmp_path)

    with pytest.raises(WrongArtifact, match="rows have 32 tokens, the model's context is 16"):
        bench.attempt(declare(bench, model=attrs.evolve(TINY, context=16)))


def test_ids_that_the_model_does_not_know_are_refused_before_training(tmp_path: Path) -> None:
    bench = TrainingBench(tmp_path)

    with pytest.raises(WrongArtifact, match="the model knows 48"):
        bench.attempt(declare(bench, model=attrs.evolve(TINY, vocabulary=48)))


def test_shards_that_lack_rows_are_refused_before_training(tmp_path: Path) -> None:
    bench = TrainingBench(tmp_path)
    meta, files = rows(64, seed=3)
    short = bench.give(attrs.evolve(meta, rows=65), files)

    with pytest.raises(WrongArtifact, match="the shards hold 64 rows, the metadata says 65"):
        bench.attempt(declare(bench, data=short))


def test_too_few_tokens_for_a_step_are_refused_before_training(tmp_path: Path) -> None:
    bench = TrainingBench(tmp_path)

    with pytest.raises(StageFailed, match="less than a batch"):
        bench.attempt(declare(bench, tokens=16 * LENGTH - 1))


def test_a_loss_that_is_no_number_ends_the_stage(undisturbed: Path) -> None:
    fault = (undisturbed / "fault").read_text()

    assert "the loss is nan at step" in fault
    assert "lower the learning rate" in fault


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch": 15}, "batch: 15 rows do not divide into 2 processes; take a multiple of 2, such as 16"),
        ({"micro_batch": 6}, "batch: 16 rows do not divide into 2 processes x 6 rows; take a multiple of 12, such as 24"),
        ({"warmup": 1.0}, "warmup: the learning rate would rise to the end"),
        ({"betas": (0.9, 1.0)}, "betas: (0.9, 1.0) are not shares below 1"),
        ({"precision": "bf16", "zero_stage": 0}, "zero_stage: without ZeRO, bf16 weights are all there is"),
        ({"tokens": 3}, "tokens: 3 tokens are less than one batch"),
        ({"model": attrs.evolve(TINY, heads=3)}, "model: hidden = 32 is not a multiple of heads = 3"),
    ],
)
def test_a_declaration_that_cannot_train_says_so(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in messages(declare(TrainingBench(tmp_path), **changes))


def test_a_stage_survives_the_journey_through_a_plan(tmp_path: Path) -> None:
    stage = declare(TrainingBench(tmp_path))

    assert revived(stage) == declared(stage)


def test_the_cost_counts_every_matrix_as_torch_does(tmp_path: Path) -> None:
    from pipeline_dsl.ml.models import llama

    torch: Any = pytest.importorskip("torch")
    counting: Any = pytest.importorskip("torch.utils.flop_counter")
    model = Llama(hidden=64, layers=3, heads=4, kv_heads=2, ffn=128, vocabulary=256, context=LENGTH, tied=True)
    stage = declare(TrainingBench(tmp_path), model=model, tokens=4 * LENGTH, batch=4, validate_on=1, validate_every=10**9)
    net = llama(model, seed=0, special={}, spread=0.02)
    net.set_attn_implementation("eager")
    with counting.FlopCounterMode(display=False) as counter:
        net(input_ids=torch.zeros(4, LENGTH, dtype=torch.long), labels=torch.zeros(4, LENGTH, dtype=torch.long)).loss.backward()
    # torch counts attention in full, the cost its causal half; rotary positions and validation are a rounding error
    masked = 3 * 4 * LENGTH * 2 * model.layers * model.hidden * LENGTH
    validated = stage.cost(_sizes(stage)).flops - stage.cost(_sizes(stage)).flops * 12 / 13

    assert stage.cost(_sizes(stage)).flops - validated + masked == pytest.approx(counter.get_total_flops(), rel=0.02)


def _sizes(stage: Any) -> Sizes:
    return Sizes({stage.data: Size(tokens=Tokens(512 * LENGTH), examples=512)})


def _chance() -> float:
    import math

    return math.log(VOCABULARY - 3)
