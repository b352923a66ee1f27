"""Data that a team keeps as files in the artifacts' own formats: one class a kind, each checks what it takes over."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pipeline_dsl import (
    Chats,
    Checkpoint,
    Count,
    EvalSuite,
    Llama,
    Preferences,
    Prompts,
    Ref,
    Size,
    Sizes,
    Source,
    Stage,
    Workspace,
)
from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.base.units import Tokens


class ModelFiles(Stage[Checkpoint]):
    """A base model that somebody trained, as safetensors with `config.json` and its tokenizer."""

    source: Ref[Source]
    model: Llama
    """Its shape; weights with another number of parameters are refused."""

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> Checkpoint:
        folder = work.path(self.source)
        for file in sorted(folder.iterdir()):
            shutil.copyfile(file, work.output / file.name)
        shapes = {name: shape for file in folder.glob("*.safetensors") for name, shape in tensor_shapes(file).items()}
        found = sum(math.prod(shape) for shape in shapes.values())
        if found != self.model.parameters:
            raise WrongArtifact(f"the weights hold {found:,} parameters, not {self.model.parameters:,}", help="correct `model`")
        return Checkpoint(parameters=found, steps=0, tokens=Tokens(0), validation_loss=None)


class ChatFiles(Stage[Chats]):
    """Conversations, as JSON lines with `messages`."""

    source: Ref[Source]
    examples: Count
    """How many there are; more or fewer are refused."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Chats:
        return Chats(conversations=taken_over(work.path(self.source), work.output, ("messages",), self.examples))


class PreferenceFiles(Stage[Preferences]):
    """Pairs of answers, as JSON lines with `prompt`, `chosen` and `rejected`."""

    source: Ref[Source]
    examples: Count
    held_out: bool = False
    """Kept for measuring: nothing may learn from it."""

    def holds_evaluation_data(self) -> bool:
        return self.held_out

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Preferences:
        keys = ("prompt", "chosen", "rejected")
        return Preferences(pairs=taken_over(work.path(self.source), work.output, keys, self.examples))


class PromptFiles(Stage[Prompts]):
    """Questions without answers, as JSON lines with `prompt`."""

    source: Ref[Source]
    examples: Count
    held_out: bool = False

    def holds_evaluation_data(self) -> bool:
        return self.held_out

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Prompts:
        return Prompts(prompts=taken_over(work.path(self.source), work.output, ("prompt",), self.examples))


class SuiteFiles(Stage[EvalSuite]):
    """Task files of lm-eval, `NAME.yaml` for each of `tasks`, and the JSON lines that they read."""

    evaluation = True

    source: Ref[Source]
    tasks: tuple[str, ...]
    examples: Count
    """Documents of all tasks together."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> EvalSuite:
        root = work.path(self.source)
        counts: dict[str, int] = {}
        for name in self.tasks:
            for suffix in ("yaml", "jsonl"):
                file = root / f"{name}.{suffix}"
                if not file.is_file():
                    held = ", ".join(sorted(path.name for path in root.iterdir()))
                    raise WrongArtifact(f"the suite has no `{file.name}`", help=f"it holds {held}")
                shutil.copyfile(file, work.output / file.name)
            counts[name] = sum(1 for _ in rows_of(root / f"{name}.jsonl"))
        if sum(counts.values()) != self.examples:
            raise WrongArtifact(f"the suite holds {sum(counts.values()):,} documents, not {self.examples:,}", help="correct `examples`")
        return EvalSuite(tasks=self.tasks, examples=counts)


def tensor_shapes(file: Path) -> dict[str, list[int]]:
    """The shape of each tensor of a safetensors file, from its header: 8 bytes of little-endian length, then JSON."""
    with file.open("rb") as stream:
        header: dict[str, Any] = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def taken_over(source: Path, output: Path, keys: tuple[str, ...], examples: int) -> int:
    """Copy the JSON lines of a source, once every row has `keys`; the number of rows.

    Raises: WrongArtifact if a row lacks one of them, or there are not `examples` rows.
    """
    count = 0
    for file in sorted(source.rglob("*.jsonl")):
        for number, row in enumerate(rows_of(file), 1):
            missing = [key for key in keys if key not in row]
            if missing:
                raise WrongArtifact(f"`{file.name}`, line {number}, has no `{missing[0]}`")
            count += 1
        shutil.copyfile(file, output / file.relative_to(source).as_posix().replace("/", "-"))
    if count != examples:
        raise WrongArtifact(f"there are {count:,} rows, not {examples:,}", help="correct `examples`, or find out what is missing")
    return count


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines.

    Raises: WrongArtifact for a line that is none.
    """
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise WrongArtifact(f"`{file.name}`, line {number}, is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise WrongArtifact(f"`{file.name}`, line {number}, is no JSON object")
            yield cast("dict[str, Any]", row)
