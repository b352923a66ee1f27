"""Supervised fine-tuning on conversations, by TRL."""

from collections.abc import Iterator

from pipeline_dsl.base.flops import training_flops
from pipeline_dsl.lang.artifacts import Chats, Checkpoint, SftModel
from pipeline_dsl.lang.fields import Count, Positive
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning


class Sft(FineTuning[SftModel]):
    """Teach a base model to answer the way the conversations do. Only what the assistant says carries loss."""

    base: Ref[Checkpoint]
    data: Ref[Chats]
    lora_rank: Count | None = None
    """Rank of LoRA adapters (Hu et al., 2021, arXiv:2106.09685), merged before saving; without one, all weights learn."""
    lora_alpha: Positive = 16.0

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def cost(self, sizes: Sizes) -> Work:
        examples = sizes[self.data].examples
        forward = None if examples is None else self.forward(sizes[self.base], self.epochs * examples * self.tokens_per_row)
        if forward is None:
            return Work(unknown="the conversations are not counted before they are made")
        return Work(flops=training_flops(forward))

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.lora_rank is not None and self.zero_stage == 3 and self.processes > 1:
            yield Problem("zero_stage", "adapters cannot be merged while weights are divided between processes", "zero_stage=2")

    def run(self, work: Workspace) -> SftModel:
        from pipeline_dsl.ml.dialogue import encode_chats, read_chats
        from pipeline_dsl.ml.finetuning import SFT, tune

        tokenizer = work.library("transformers").AutoTokenizer.from_pretrained(work.path(self.base), local_files_only=True)
        turns = encode_chats(tokenizer, read_chats(work.path(self.data)), max_length=self.max_length)
        rows = {
            "input_ids": [row.ids for row in turns],
            "labels": [row.labels for row in turns],
            "length": [len(row.ids) for row in turns],
        }
        job = self.tuning(work, work.path(self.base), rows, lora_rank=self.lora_rank, lora_alpha=self.lora_alpha)
        loss = tune(work, SFT, job, processes=self.processes)
        recipe = "full" if self.lora_rank is None else f"lora-{self.lora_rank}"
        return SftModel(parameters=work.meta(self.base).parameters, recipe=recipe, examples=len(turns), loss=round(loss, 6))
