"""A reward model learns which answers are preferred, and is measured on pairs that it did not see."""

from typing import Any

import pytest

from pipeline_dsl import Preferences, RewardModel
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.dialogue import Pair, encode_chats
from pipeline_dsl.ml.scoring import rewards
from pipeline_dsl.stages.reward import TrainReward, columns
from tests.stages.lessons_bench import COLOURS, LessonsBench, changed, pairs, say
from tests.stages.tiny_model import lines

pytestmark = pytest.mark.stages


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("reward"))


@pytest.fixture(scope="module")
def taught(bench: LessonsBench) -> dict[str, Any]:
    sft = bench.sft()
    bench.run(sft)
    return {"base": sft, "data": bench.pairs, "held": bench.held, "batch": 12, "learning_rate": 3e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def trained(bench: LessonsBench, taught: dict[str, Any]) -> tuple[TrainReward, RewardModel]:
    stage = TrainReward(**taught, epochs=30)
    return stage, bench.run(stage)


def test_it_ranks_held_out_pairs_as_people_did(trained: tuple[TrainReward, RewardModel]) -> None:
    accuracy = trained[1].accuracy

    assert accuracy.value > 80
    assert accuracy.samples == 12
    assert accuracy.stderr is not None


def test_pairs_turned_round_are_ranked_wrong_by_as_many(bench: LessonsBench, taught: dict[str, Any]) -> None:
    turned = [pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]} for pair in pairs(("again",))]
    held = bench.give(Preferences(pairs=len(turned)), {"pairs.jsonl": lines(turned)})
    accuracy = bench.attempt(TrainReward(**changed(taught, held=held, epochs=30))).accuracy

    assert accuracy.value < 20


def test_the_saved_model_scores_a_conversation_by_its_last_token(bench: LessonsBench, trained: tuple[TrainReward, RewardModel]) -> None:
    transformers: Any = bench.library("transformers")
    folder = bench.path(trained[0])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    chats = [[say("user", f"Say {colour} soon"), say("assistant", answer)] for colour in COLOURS for answer in (colour, "grey grey grey")]
    rows = [turns.ids for turns in encode_chats(tokenizer, chats, max_length=64)]

    together, alone = rewards(bench, model, rows), [rewards(bench, model, [row])[0] for row in rows]

    assert together == pytest.approx(alone, abs=1e-4)
    assert model.config.num_labels == 1


def test_two_runs_of_one_seed_are_the_same_bytes(bench: LessonsBench, taught: dict[str, Any]) -> None:
    weights: list[bytes] = []
    for place in ("one", "two"):
        bench.attempt(TrainReward(**taught), place)
        weights.append((bench.output / "model.safetensors").read_bytes())

    assert weights[0] == weights[1]


def test_pairs_that_are_all_too_long_are_refused(bench: LessonsBench, taught: dict[str, Any]) -> None:
    with pytest.raises(StageFailed, match="no row fits into 3 tokens"):
        bench.attempt(TrainReward(**taught, max_length=3), "long")


def test_a_pair_is_as_long_as_its_longer_conversation() -> None:
    asked = [say("user", "Say red")]
    found = columns([Pair(asked, [say("assistant", "red")], [say("assistant", "green")])])

    assert found["length"] == [len("Say red" + "green")]
