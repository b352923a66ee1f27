"""What is known of an artifact before it exists, and what making it takes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from pipeline_dsl.base.flops import ADAPTING, written_bytes
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
    tasks: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Of a suite: the examples of each task, by its name, where they are known apart."""
    bits: float | None = None
    """Of one weight, where the model is quantized."""


@attrs.frozen(kw_only=True)
class Work:
    """What a stage takes: arithmetic on its devices, tokens written one by one, and time that no device shortens.

    `unknown` says what could not be counted; the estimate is then a lower bound.
    """

    flops: Flops = Flops(0)
    """Model FLOPs of training and of other passes over whole rows."""
    rule: Flops | None = None
    """The same by the rule of thumb, 2 x parameters a token and forward pass: 6ND for training."""
    recomputed: Flops = Flops(0)
    """Hardware FLOPs on top, of activations that are made again; they are in the MFU, not in `flops`."""
    read: float = 0.0
    """Bytes that writing tokens one by one reads from the devices' memory, over all devices."""
    written: Flops = Flops(0)
    """Arithmetic of writing those tokens."""
    seconds: Seconds = Seconds(0)
    model: Llama | None = None
    """The model that the arithmetic is about, which decides how well it fills the devices."""
    precision: str = "bf16"
    attention: str = "sdpa"
    recompute: str = "none"
    padded: bool = False
    """Whether rows are of different lengths and not packed."""
    assumed: str = ""
    """What the count took for granted, in words."""
    million: "Work | None" = None
    """What a server takes for a million written tokens."""
    unknown: str = ""

    @classmethod
    def passes(cls, model: Llama, count: float, *, tokens: float, length: float, **more: Any) -> "Work":
        """`count` forward passes' worth over `tokens` in rows of `length`; training is three (`base/flops.py`)."""
        forward = model.forward(tokens, length)
        made_again = {"full": forward, "selective": model.attention(tokens, length)}.get(more.get("recompute", "none"), 0.0)
        return cls(
            flops=Flops(count * forward),
            rule=Flops(count * 2 * model.active_parameters * tokens),
            recomputed=Flops(made_again if count >= ADAPTING else 0.0),
            model=model,
            **more,
        )

    @classmethod
    def writing(cls, model: Llama, *, tokens: float, at_once: float, prompt: float, answer: float, bits: float = 16, **more: Any) -> "Work":
        """`tokens` written by a server that has `at_once` sequences under way, each after `prompt` tokens and `answer` long on average.

        Prompts are passes over whole rows. Weights in `bits`, keys and values in 16 bits.
        """
        sequences = tokens / answer
        context = prompt + answer / 2
        return cls(
            flops=model.forward(sequences * prompt, prompt),
            rule=Flops(2 * model.active_parameters * (tokens + sequences * prompt)),
            read=written_bytes(model.touched(at_once) * bits / 8, tokens, at_once=at_once, cached=2 * model.cached, context=context),
            written=Flops(tokens * (2 * model.matmul_parameters + 4 * model.layers * model.attention_width * context)),
            model=model,
            **more,
        )

    def __add__(self, other: "Work") -> "Work":
        """Both, one after the other; what they run on is described by the first that has a model."""
        first = self if self.model is not None else other
        rules = [part.rule for part in (self, other) if part.rule is not None]
        return attrs.evolve(
            first,
            flops=Flops(self.flops + other.flops),
            rule=Flops(sum(rules)) if rules else None,
            recomputed=Flops(self.recomputed + other.recomputed),
            read=self.read + other.read,
            written=Flops(self.written + other.written),
            seconds=Seconds(self.seconds + other.seconds),
            assumed=", ".join(filter(None, dict.fromkeys((self.assumed, other.assumed)))),
            million=self.million or other.million,
            unknown="; ".join(filter(None, dict.fromkeys((self.unknown, other.unknown)))),
        )


class Sizes:
    """The sizes of a stage's inputs: `sizes[self.base]`."""

    def __init__(self, known: "Mapping[Ref[Any], Size]") -> None:
        self._known = known

    def __getitem__(self, ref: "Ref[Any]") -> Size:
        return self._known.get(ref, _UNKNOWN)


_UNKNOWN = Size()
