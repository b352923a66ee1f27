from pathlib import Path

import pytest

from pipeline_dsl.stages.sft import Sft
from tests.stages.alignment_bench import WORDS, answer, base, chats, loaded
from tests.stages.tiny_model import library
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages


def test_a_model_learns_to_answer_as_the_conversations_do(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    stage = Sft(base=base(bench), data=chats(bench), epochs=12, batch=16, learning_rate=3e-3, precision="fp32", save_every=0)

    made = bench.run(stage)

    model, tokenizer = loaded(bench, stage)
    assert made.examples == 64
    assert [answer(model, tokenizer, word) for word in WORDS] == [WORDS[(n + 1) % 6] for n in range(6)]


def test_adapters_are_merged_into_weights_that_load_without_them(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    start = base(bench)
    stage = Sft(base=start, data=chats(bench), batch=16, learning_rate=1e-2, lora_rank=4, precision="fp32", save_every=0)

    made = bench.run(stage)

    before, after = loaded(bench, start)[0].state_dict(), loaded(bench, stage)[0].state_dict()
    assert made.recipe == "lora-4"
    assert before.keys() == after.keys()
    assert not library("torch").equal(before["model.layers.0.mlp.up_proj.weight"], after["model.layers.0.mlp.up_proj.weight"])
    assert library("torch").equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    start, data = base(bench), chats(bench)
    first, second = (Sft(base=start, data=data, batch=16, learning_rate=1e-3, precision="fp32", save_every=0) for _ in range(2))
    bench.run(first)
    bench.run(second)

    assert bench.files(first)["model.safetensors"] == bench.files(second)["model.safetensors"]


def test_a_batch_that_does_not_divide_is_said(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    assert "do not divide" in messages(Sft(base=base(bench), data=chats(bench), batch=10, micro_batch=4, learning_rate=1e-3))
