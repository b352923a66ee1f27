"""How a model and its rows are divided between devices."""

import attrs

from pipeline_dsl.lang.fields import Count


@attrs.frozen(kw_only=True)
class Parallel:
    """Ways to divide one copy of the model; what is left of the devices holds further copies (data parallelism).

    The product `tensor` x `pipeline` x `context` is the number of devices of one copy; experts are divided over the copies.
    Sources: tensor and sequence from Shoeybi et al. (2019), arXiv:1909.08053, and Korthikanti et al. (2022),
    arXiv:2205.05198; pipeline from Narayanan et al. (2021), arXiv:2104.04473; context from Liu et al. (2023),
    arXiv:2310.01889; expert from Lepikhin et al. (2020), arXiv:2006.16668.
    """

    tensor: Count = 1
    """Devices that share every matrix; they exchange activations twice a layer, so they stay in one fast domain."""
    pipeline: Count = 1
    """Groups of layers, one behind the other."""
    context: Count = 1
    """Pieces of a row."""
    expert: Count = 1
    """Devices that share the experts of a layer."""
    sequence: bool = False
    """Whether the tensor-parallel devices also divide what is not a matrix product along the row."""

    @property
    def copy(self) -> int:
        """Devices of one copy of the model."""
        return self.tensor * self.pipeline * self.context
