"""Direct preference optimisation of adapters: LoRA, or QLoRA where the base is held in 4 bits."""

from collections.abc import Iterator

from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.artifacts import PolicyAdapter
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._lora import adapter_fields, lora_problems
from pipeline_dsl.stages.dpo import PreferenceTuning


class LoraDpo(PreferenceTuning[PolicyAdapter]):
    """Move adapters beside an SFT model towards preferred answers. Without them the model is its own reference: no second one is loaded.

    What it makes is no model: `MergePolicy` puts it and the SFT model together, and what is measured is measured on that policy.
    """

    lora: Lora = Lora()

    def placement(self, sizes: Sizes) -> Placement | None:
        return self.placed(sizes[self.policy], rows=2)

    def cost(self, sizes: Sizes) -> Work:
        return self.learning(sizes, self.lora)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from lora_problems(self, self.lora)

    def run(self, work: Workspace) -> PolicyAdapter:
        from pipeline_dsl.ml.lora import merged

        self.learn(work, self.lora)
        policy, tokenizer = merged(work, work.path(self.policy), work.output)
        return PolicyAdapter(**adapter_fields(work, self.policy, self.lora), **self.aligned(work, policy, tokenizer))
