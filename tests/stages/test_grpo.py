"""A policy learns from its own answers, judged by a program or by a reward model, and says how far it moved."""

from typing import Any

import pytest

from pipeline_dsl import Exercises, Policy, Ref, RewardModel, SftModel, Verify
from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.ml.dialogue import encode_prompts
from pipeline_dsl.ml.grpo import verifier
from pipeline_dsl.ml.sampling import sample
from pipeline_dsl.stages.dpo import Dpo
from pipeline_dsl.stages.grpo import Grpo
from pipeline_dsl.stages.reward import TrainReward
from tests.stages.lessons_bench import COLOURS, TIMES, LessonsBench, changed, say
from tests.stages.tiny_model import lines
from tests.stages.workbench import messages

pytestmark = pytest.mark.stages


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("grpo"))


@pytest.fixture(scope="module")
def exercises(bench: LessonsBench) -> Ref[Exercises]:
    rows = [{"prompt": [say("user", f"Say {colour} {time}")], "answer": colour} for colour in COLOURS for time in TIMES]
    return bench.give(Exercises(prompts=len(rows)), {"exercises.jsonl": lines(rows)})


@pytest.fixture(scope="module")
def taught(bench: LessonsBench, exercises: Ref[Exercises]) -> dict[str, Any]:
    """An SFT model that knows some of the answers, and what to do with it."""
    sft = bench.sft(epochs=5)
    bench.run(sft)
    return {
        "policy": sft,
        "prompts": exercises,
        "verify": Verify(),
        "held": exercises,
        "batch": 48,
        "micro_batch": 24,
        "max_new_tokens": 6,
        "learning_rate": 2e-3,
        "precision": "fp32",
        "beta": 0.01,
        "kl_budget": 50.0,
    }


@pytest.fixture(scope="module")
def moved(bench: LessonsBench, taught: dict[str, Any]) -> tuple[Grpo, Policy]:
    stage = Grpo(**taught, epochs=6)
    return stage, bench.run(stage)


def right(bench: LessonsBench, model: Ref[Any], exercises: Ref[Exercises]) -> float:
    """Share of drawn answers that are right, on four answers to each exercise."""
    loaded, tokenizer = bench.load(model)
    asked = [[say("user", f"Say {colour} {time}")] for colour in COLOURS for time in TIMES] * 4
    prompts = encode_prompts(tokenizer, asked)
    said = sample(bench, loaded, prompts, max_new_tokens=6, temperature=1.0, seed=7, end=tokenizer.eos_token_id)
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in said]
    return sum(Verify().reward(text, messages[0]["content"].split()[1]) for text, messages in zip(texts, asked, strict=True)) / len(asked)


def test_answers_that_a_program_calls_right_become_more_frequent(
    bench: LessonsBench, taught: dict[str, Any], exercises: Ref[Exercises], moved: tuple[Grpo, Policy]
) -> None:
    before, after = right(bench, taught["policy"], exercises), right(bench, moved[0], exercises)

    assert after > before + 0.1


def test_it_says_how_far_it_moved_from_the_model_it_started_as(bench: LessonsBench, moved: tuple[Grpo, Policy]) -> None:
    stage, made = moved

    assert made.reference == bench.digest(stage.policy)
    assert made.kl == made.kl_from_first
    assert made.kl.per_sequence.value > 0.01
    assert set(stage.measures()) == set(made.scores)


def test_a_heavier_penalty_keeps_it_nearer(bench: LessonsBench, taught: dict[str, Any], moved: tuple[Grpo, Policy]) -> None:
    near = bench.attempt(Grpo(**changed(taught, beta=2.0), epochs=6), "near")

    assert near.kl.per_sequence.value < moved[1].kl.per_sequence.value / 2


def test_a_step_of_no_size_leaves_it_where_it_was(bench: LessonsBench, taught: dict[str, Any]) -> None:
    made = bench.attempt(Grpo(**changed(taught, learning_rate=1e-12)), "still")

    assert made.kl.per_sequence.value == pytest.approx(0, abs=1e-4)


def test_an_attempt_goes_on_from_its_last_checkpoint_to_the_same_policy(bench: LessonsBench, taught: dict[str, Any]) -> None:
    stage = Grpo(**taught, epochs=3, save_every=10)
    whole = bench.attempt(stage, "resumed")
    weights = (bench.output / "model.safetensors").read_bytes()

    again = bench.attempt(stage, "resumed")  # its scratch folder holds the checkpoints of the first

    assert again == whole
    assert (bench.output / "model.safetensors").read_bytes() == weights


def test_answers_that_a_reward_model_prefers_become_more_frequent(bench: LessonsBench, taught: dict[str, Any]) -> None:
    reward = TrainReward(base=taught["policy"], data=bench.pairs, held=bench.held, batch=12, learning_rate=1e-3, precision="fp32", epochs=4)
    bench.run(reward)
    stage = Grpo(**changed(taught, verify=None, reward=reward, prompts=bench.asked, held=bench.asked), epochs=4)
    policy = Dpo(
        policy=taught["policy"],
        data=bench.pairs,
        held=bench.held,
        prompts=bench.asked,
        batch=12,
        learning_rate=1e-3,
        precision="fp32",
        kl_budget=50.0,
        max_new_tokens=12,
    )
    bench.run(policy)
    bench.run(stage)
    again = bench.attempt(Grpo(**changed(taught, policy=policy, reference=taught["policy"], verify=None, reward=reward)), "second")

    assert scored(bench, reward, stage) > scored(bench, reward, taught["policy"]) + 0.1
    assert again.reference == bench.digest(policy)
    assert again.kl != again.kl_from_first


def scored(bench: LessonsBench, reward: Ref[RewardModel], model: Ref[Any]) -> float:
    """The mean reward of a model's own answers."""
    from pipeline_dsl.ml.dialogue import read_prompts
    from pipeline_dsl.ml.scoring import rewards

    loaded, tokenizer = bench.load(model)
    prompts = encode_prompts(tokenizer, read_prompts(bench.path(bench.asked)))
    said = sample(bench, loaded, prompts, max_new_tokens=6, temperature=1.0, seed=7, end=tokenizer.eos_token_id)
    judge: Any = bench.library("transformers").AutoModelForSequenceClassification
    judge = judge.from_pretrained(bench.path(reward), local_files_only=True).eval()
    given = rewards(bench, judge, [prompt + answer for prompt, answer in zip(prompts, said, strict=True)])
    return sum(given) / len(given)


@pytest.mark.slow
def test_two_processes_on_deepspeed_learn_it_too(bench: LessonsBench, taught: dict[str, Any]) -> None:
    made = bench.attempt(Grpo(**changed(taught, processes=2, micro_batch=24)), "two")

    assert made.kl.per_sequence.value > 0


def test_the_program_is_asked_about_the_last_thing_that_was_said() -> None:
    said = [[{"role": "assistant", "content": text}] for text in ("It is 1,000.", "It is 12.")]

    assert verifier(Verify(pattern=r"([\d,]+)", weight=2.0))(completions=said, answer=["1000", "13"], prompts=[]) == [2.0, 0.0]


def test_an_exercise_without_an_answer_is_named(bench: LessonsBench, taught: dict[str, Any]) -> None:
    broken = bench.give(Exercises(prompts=1), {"e.jsonl": lines([{"prompt": [say("user", "Say red")]}])})

    with pytest.raises(WrongArtifact, match=r"e\.jsonl:1 has no text under `answer`"):
        bench.attempt(Grpo(**changed(taught, prompts=broken)), "unanswered")


def test_prompts_that_leave_no_room_for_an_answer_are_left_out(bench: LessonsBench, taught: dict[str, Any]) -> None:
    with pytest.raises(StageFailed, match="no row fits into 8 tokens"):
        bench.attempt(Grpo(**changed(taught, max_length=8)), "narrow")


def given(**changes: Any) -> dict[str, Any]:
    """A declaration with nothing wrong, changed."""
    fields: dict[str, Any] = {"policy": Ref[SftModel](), "prompts": Ref[Exercises](), "held": Ref[Exercises](), "verify": Verify()}
    return changed({**fields, "learning_rate": 1e-5, "kl_budget": 1.0}, **changes)


def test_what_can_be_learnt_is_declared_without_a_word() -> None:
    assert messages(Grpo(**given())) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 12}, "batch: 12 answers are no whole groups of 8; take a multiple of 8, such as 16"),
        ({"group": 1}, "group: one answer has nothing to be compared with"),
        ({"verify": None}, "reward: nothing judges the answers"),
        ({"verify": Verify(pattern="(")}, "verify: pattern is no regular expression"),
        ({"verify": Verify(pattern="(a)(b)")}, "verify: pattern has 2 groups"),
        ({"verify": Verify(weight=0.0)}, "verify: weight = 0 rewards no right answer"),
        ({"max_new_tokens": 1024}, "max_new_tokens: answers of 1024 tokens leave no room"),
    ],
)
def test_what_cannot_be_learnt_from_is_said(change: dict[str, Any], said: str) -> None:
    assert said in messages(Grpo(**given(**change)))


def test_a_policy_that_moved_before_needs_its_first_reference() -> None:
    before = Grpo(**given())

    assert "policy: the policy has moved from a reference before" in messages(Grpo(**given(policy=before)))
    assert messages(Grpo(**given(policy=before, reference=Ref[SftModel]()))) == ""
