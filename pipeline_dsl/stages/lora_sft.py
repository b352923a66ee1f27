"""Supervised fine-tuning of adapters: LoRA, or QLoRA where the base is held in 4 bits."""

from collections.abc import Iterator

from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.artifacts import SftAdapter
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._lora import adapter_fields, lora_problems
from pipeline_dsl.stages.sft import ChatTuning


class LoraSft(ChatTuning[SftAdapter]):
    """Teach adapters beside a base model to answer the way the conversations do; the base stays as it is.

    What it makes is no model: `MergeSft` puts it and its base together. Source: Hu et al. (2021), arXiv:2106.09685; with
    `Lora(base="nf4")`, Dettmers et al. (2023), arXiv:2305.14314.
    """

    lora: Lora = Lora()

    def cost(self, sizes: Sizes) -> Work:
        return self.learning(sizes, self.lora)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from lora_problems(self, self.lora)

    def run(self, work: Workspace) -> SftAdapter:
        examples, loss = self.learn(work, self.lora)
        return SftAdapter(
            **adapter_fields(work, self.base, self.lora), recipe=f"lora-{self.lora.rank}-{self.lora.base}", examples=examples, loss=loss
        )
