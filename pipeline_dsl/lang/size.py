"""What is known of an artifact before it exists, and what making it takes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from pipeline_dsl.base.units import Flops, Seconds, Tokens
from pipeline_dsl.lang.architecture import Llama

if TYPE_CHECKING:
    from pipeline_dsl.lang.stage import Ref


@attrs.frozen(kw_only=True)
class Size:
    """Sizes that a declaration implies; None is unknown until the artifact exists."""

    model: Llama | None = None
    tokens: Tokens | None = None
    examples: int | None = None


@attrs.frozen(kw_only=True)
class Work:
    """What a stage takes: arithmetic on its devices, and time that no device shortens.

    `unknown` says what could not be counted; the estimate is then a lower bound.
    """

    flops: Flops = Flops(0)
    seconds: Seconds = Seconds(0)
    unknown: str = ""


class Sizes:
    """The sizes of a stage's inputs: `sizes[self.base]`."""

    def __init__(self, known: "Mapping[Ref[Any], Size]") -> None:
        self._known = known

    def __getitem__(self, ref: "Ref[Any]") -> Size:
        return self._known.get(ref, _UNKNOWN)


_UNKNOWN = Size()
