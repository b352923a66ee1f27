"""A bench on which stages train for real, on text made of a rule that a small model learns in seconds."""

import io
import json
import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pipeline_dsl import Artifact, Dataset, Llama, Stage, Tokenizer
from pipeline_dsl.base.units import Nats, Tokens
from pipeline_dsl.ml.launch import launch
from pipeline_dsl.stages.pretrain import Pretrain
from tests.stages.workbench import Workbench

A = TypeVar("A", bound=Artifact)

VOCABULARY = 64
LENGTH = 32
TINY = Llama(hidden=32, layers=2, heads=2, kv_heads=1, ffn=64, vocabulary=VOCABULARY, context=LENGTH, tied=True)


class TrainingBench(Workbench):
    """A workbench that starts processes. A stage that runs again finds the scratch folder as its last attempt left it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.train = self.give(*rows(512, seed=1))
        self.validation = self.give(*rows(64, seed=2))
        self.tokenizer = self.give(*tokenizer())

    def attempt(self, stage: Stage[A]) -> A:
        """Run a stage where its last attempt ran."""
        self.output, self.scratch = self.folder / "output", self.folder / "scratch"
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir()
        self.scratch.mkdir(exist_ok=True)
        made = stage.run(self)
        assert list(type(made).check(self.output)) == []
        return made

    def validation_ids(self) -> list[list[int]]:
        """The held-out rows."""
        parquet: Any = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(self.path(self.validation))
        return table.column("input_ids").to_pylist()

    def launch(self, target: str, config: Mapping[str, Any], *, processes: int) -> None:
        launch(target, config, processes=processes, threads=processes, folder=self.scratch, progress_file=self.folder / "progress.json")


def rows(count: int, *, seed: int) -> tuple[Dataset, dict[str, str | bytes]]:
    """Rows that count up by two from a random token: after two tokens, every next one is certain."""
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    draw = random.Random(seed)
    ids = [
        [3 + (start + 2 * place) % (VOCABULARY - 3) for place in range(LENGTH)]
        for start in (draw.randrange(VOCABULARY) for _ in range(count))
    ]
    files: dict[str, str | bytes] = {}
    for shard, part in enumerate((ids[: count // 2], ids[count // 2 :])):
        file: Any = io.BytesIO()
        parquet.write_table(pyarrow.table({"input_ids": pyarrow.array(part, pyarrow.list_(pyarrow.int32()))}), file)
        files[f"rows-{shard:05d}.parquet"] = file.getvalue()
    meta = Dataset(rows=count, length=LENGTH, tokens=Tokens(count * LENGTH), documents=count, unigram_entropy=Nats(4.1))
    return meta, files


def tokenizer() -> tuple[Tokenizer, dict[str, str | bytes]]:
    """A tokenizer of single letters, complete enough for transformers to load it."""
    tokenizers: Any = pytest.importorskip("tokenizers")
    special = ("<pad>", "<bos>", "<eos>")
    letters = map(chr, range(65, 65 + VOCABULARY - len(special)))
    fast = tokenizers.Tokenizer(tokenizers.models.BPE({token: place for place, token in enumerate((*special, *letters))}, []))
    fast.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in special])
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}
    files: dict[str, str | bytes] = {"tokenizer.json": fast.to_str(), "tokenizer_config.json": json.dumps(config)}
    return Tokenizer(vocabulary=VOCABULARY, characters_per_token=1.0), files


def pretraining(bench: TrainingBench, **changes: Any) -> Pretrain:
    """A run of 40 steps on two processes."""
    given: dict[str, Any] = {
        "data": bench.train,
        "validation": bench.validation,
        "tokenizer": bench.tokenizer,
        "model": TINY,
        "tokens": 40 * 16 * LENGTH,
        "batch": 16,
        "learning_rate": 1e-2,
        "precision": "fp32",
        "processes": 2,
        "zero_stage": 2,
        "validate_every": 20,
        "validate_on": 32,
        "save_every": 5,
    }
    return Pretrain(**given | changes)


if __name__ == "__main__":
    bench = TrainingBench(Path(sys.argv[1]))
    bench.attempt(pretraining(bench))
