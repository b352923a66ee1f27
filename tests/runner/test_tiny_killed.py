"""The real thing, killed once: a pre-training of some seconds, with its launcher and its ranks, ends as if nothing had been."""

import signal
from pathlib import Path

import pytest

from tests.runner.bench import Bench, timeless
from tests.runner.killing import killed, left_behind, start, survivors, until

pytestmark = [pytest.mark.stages, pytest.mark.slow]

TINY = """
from pipeline_dsl.ml.documents import Document
from pipeline_dsl.stages import Tokenize, TrainTokenizer
from pipeline_dsl.stages.pretrain import Pretrain
from tests.stages.prose import paragraph


class Prose(Stage[Corpus]):
    first: int
    count: int

    def run(self, work: Workspace) -> Corpus:
        texts = [paragraph(number) for number in range(self.first, self.first + self.count)]
        (work.output / "documents-00000.jsonl").write_bytes(b"".join(Document.of(text).line() for text in texts))
        return Corpus(documents=len(texts), characters=sum(map(len, texts)), licences=("CC0-1.0",))


text, held = Prose(first=0, count=120), Prose(first=1000, count=20)
tokenizer = TrainTokenizer(corpora=(text,), vocabulary=320)
train = Tokenize(tokenizer=tokenizer, corpora=(text,), length=64)
dev = Tokenize(tokenizer=tokenizer, corpora=(held,), length=64)
base = Pretrain(
    model=Llama(hidden=32, layers=2, heads=2, kv_heads=1, ffn=64, vocabulary=320, context=64, tied=True),
    data=train, validation=dev, tokenizer=tokenizer, tokens=64 * 8 * 450, batch=8, learning_rate=1e-2,
    precision="fp32", processes=2, validate_every=200, validate_on=16, save_every=250,
)
pipeline = Pipeline(name="tiny", targets=[base])
"""

ARGUMENTS = ("run", "tiny.py", "--jobs", "2")


def prepared(folder: Path, steps: int = 450) -> Bench:
    folder.mkdir()
    bench = Bench(folder)
    bench.write(TINY.replace("64 * 8 * 450", f"64 * 8 * {steps}"), "tiny")
    return bench


def test_a_pre_training_killed_with_its_runner_leaves_nothing_behind_and_ends_in_the_same_manifest(tmp_path: Path) -> None:
    calm, bench = prepared(tmp_path / "calm"), prepared(tmp_path / "killed")
    undisturbed = killed(ARGUMENTS, cwd=calm.folder, after=500)
    assert undisturbed.code == 0, undisturbed.output
    started = start(ARGUMENTS, cwd=bench.folder)
    until(lambda: list(bench.folder.glob(".pdsl/work/*/scratch/run/checkpoint-*/complete.json")), started, within=300)
    assert len(survivors(started.mark)) >= 5  # the runner, the stage, torchrun and two ranks
    dead = started.end(signal.SIGKILL)
    assert left_behind(dead.mark, 20) == []
    assert dead.code == -signal.SIGKILL
    assert list(bench.store.damage()) == []
    finished = {record.key for record in bench.store.records()}
    assert len(finished) == 5
    again = killed(ARGUMENTS, cwd=bench.folder, after=500)
    assert again.code == 0, again.output
    assert "5 stages cached" in again.output
    assert timeless(bench.manifest()) == timeless(calm.manifest())
    assert {"torch", "transformers", "deepspeed"} <= set(bench.manifest()["stages"]["06_pretrain"]["libraries"])
