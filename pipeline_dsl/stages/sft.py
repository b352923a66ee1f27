"""Supervised fine-tuning on conversations, by TRL: of all weights, or of adapters beside them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import attrs

from pipeline_dsl.base.flops import ADAPTING, TRAINING
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import Chats, Checkpoint, SftModel
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.rope import RopeScaling
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning

A_co = TypeVar("A_co", bound=Artifact, covariant=True)


class ChatTuning(FineTuning[A_co]):
    """What teaches a base model to answer the way conversations do. Only what the assistant says carries loss."""

    base: Ref[Checkpoint]
    data: Ref[Chats]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes[self.base])

    def cost(self, sizes: Sizes) -> Work:
        return self.learning(sizes)

    def learning(self, sizes: Sizes, lora: Lora | None = None) -> Work:
        """What `learn` takes."""
        examples = sizes[self.data].examples
        rows = None if examples is None else self.epochs * examples
        return self.effort(sizes[self.base], ADAPTING if lora else TRAINING, rows, lora=lora)

    def start(self, work: Workspace) -> Path:
        """The folder of the model that training starts from."""
        return work.path(self.base)

    def learn(self, work: Workspace, lora: Lora | None = None) -> tuple[int, float]:
        """(conversations, loss at the end) of training into `work.output`: a whole model, or the adapters of `lora`."""
        from pipeline_dsl.ml.dialogue import encode_chats, read_chats
        from pipeline_dsl.ml.finetuning import SFT, tune

        base = self.start(work)
        tokenizer = work.library("transformers").AutoTokenizer.from_pretrained(base, local_files_only=True)
        turns = encode_chats(tokenizer, read_chats(work.path(self.data)), max_length=self.row_length(base))
        rows = {
            "input_ids": [row.ids for row in turns],
            "labels": [row.labels for row in turns],
            "length": [len(row.ids) for row in turns],
        }
        loss = tune(work, SFT, self.tuning(work, base, rows, lora=lora), processes=self.processes)
        return len(turns), round(loss, 6)


class Sft(ChatTuning[SftModel]):
    """Teach a base model to answer the way the conversations do. Only what the assistant says carries loss; all weights learn."""

    chat_template: str | None = None
    """How a conversation is written, as a jinja template with {% generation %} around what the assistant says; it replaces the
    tokenizer's, and goes with the model from here on."""
    rope_scaling: RopeScaling | None = None
    """Stretches the context; the conversations should be as long as that, and `max_length` too."""

    def size(self, sizes: Sizes) -> Size:
        before = sizes[self.base]
        if before.model is None or self.rope_scaling is None:
            return before
        return attrs.evolve(before, model=attrs.evolve(before.model, context=self.rope_scaling.context(before.model.context)))

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(self.size(sizes))

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.chat_template is not None and not re.search(r"\{%-?\s*generation\b", self.chat_template):
            help = "write {% generation %}{{ message['content'] + eos_token }}{% endgeneration %} where the assistant speaks"
            yield Problem("chat_template", "the template does not mark what the assistant says, so nothing would be learnt", help)
        if self.rope_scaling is not None and self.rope_scaling.factor <= 1:
            yield Problem("rope_scaling", f"factor = {self.rope_scaling.factor:g} stretches nothing", "RopeScaling(factor=2)")

    def start(self, work: Workspace) -> Path:
        from pipeline_dsl.ml.starting import start_from

        return start_from(work.path(self.base), work.scratch / "start", chat_template=self.chat_template, rope=self.rope_scaling)

    def run(self, work: Workspace) -> SftModel:
        examples, loss = self.learn(work)
        return SftModel(parameters=work.meta(self.base).parameters, recipe="full", examples=examples, loss=loss)
