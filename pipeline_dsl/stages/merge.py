"""An adapter and the model that it was trained on, as one whole model."""

from collections.abc import Iterable

from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.lang.artifacts import STAGE_KL, Adapter, CausalModel, Checkpoint, Policy, PolicyAdapter, SftAdapter, SftModel
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

START = Seconds(15)
"""Importing the libraries, and loading and writing a small model."""


class MergeSft(Stage[SftModel]):
    """Add an adapter's update to the weights of its base model: what is evaluated, aligned, quantized and served from then on.

    The weights are computed and written in fp32, as fine-tuning of all weights writes them. Another base than the adapter's own
    is refused by its digest. One that was trained beside 4-bit weights is merged into the whole ones, from which those differ by
    their rounding: what is evaluated is what is made here. Source: Hu et al. (2021), arXiv:2106.09685, section 4.1.
    """

    base: Ref[Checkpoint]
    adapter: Ref[SftAdapter]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def cost(self, sizes: Sizes) -> Work:
        return merging(sizes[self.base], sizes[self.adapter])

    def run(self, work: Workspace) -> SftModel:
        merge(work, self.base, self.adapter)
        made = work.meta(self.adapter)
        return SftModel(parameters=work.meta(self.base).parameters, recipe=made.recipe, examples=made.examples, loss=made.loss)


class MergePolicy(Stage[Policy]):
    """Add an adapter's update to the weights of the SFT model that it moved: the policy whose divergence the adapter's stage measured.

    The weights are computed and written in fp32. Another model than the adapter's own is refused by its digest.
    """

    base: Ref[SftModel]
    adapter: Ref[PolicyAdapter]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def cost(self, sizes: Sizes) -> Work:
        return merging(sizes[self.base], sizes[self.adapter])

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference", STAGE_KL, "preference_accuracy")

    def run(self, work: Workspace) -> Policy:
        merge(work, self.base, self.adapter)
        made = work.meta(self.adapter)
        return Policy(
            parameters=work.meta(self.base).parameters,
            reference=made.reference,
            beta=made.beta,
            kl=made.kl,
            kl_from_first=made.kl_from_first,
            figures=made.figures,
        )


def merging(base: Size, adapter: Size) -> Work:
    """What a merge takes: one update of each weight by an outer product, on any device, and the loading of the model."""
    if base.model is None:
        return Work(seconds=START, unknown="the model's size")
    return Work(flops=Flops(2 * base.model.parameters), seconds=START)


def merge(work: Workspace, base: Ref[CausalModel], adapter: Ref[Adapter]) -> None:
    """Write the whole model to `work.output`.

    Raises: DigestMismatch if the adapter was trained on another model than `base`; StageFailed if it does not fit.
    """
    from pipeline_dsl.ml import lora, models

    lora.refuse_other_base(work.digest(base), work.meta(adapter).base)
    model, _ = lora.merged(work, work.path(base), work.path(adapter))
    models.save(model, model.state_dict(), work.output)
    models.copy_tokenizer(work.path(base), work.output)
