from pathlib import Path

import pytest

from pipeline_dsl.stages.reward import TrainReward
from tests.stages.alignment_bench import pairs, sft_model
from tests.stages.workbench import Workbench

pytestmark = pytest.mark.stages


def test_a_reward_model_ranks_held_out_pairs_as_it_was_taught(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    data = pairs(bench)
    stage = TrainReward(
        base=sft_model(bench), data=data, held=pairs(bench, 12), epochs=8, batch=16, learning_rate=3e-3, precision="fp32", save_every=0
    )

    made = bench.run(stage)

    assert made.accuracy.value > 90
    assert made.accuracy.samples == 12
    assert made.preferences == bench.digest(data)
