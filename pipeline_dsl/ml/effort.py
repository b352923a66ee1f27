"""Arithmetic of fine-tuning stages, from the sizes that the declarations imply."""

from typing import Any

from pipeline_dsl.base.flops import forward_flops
from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Ref

START = Seconds(12)
"""Importing the libraries and loading a small model."""


def passes(sizes: Sizes, model: Ref[Any], data: Ref[Any], field: str, count: float) -> Work:
    """`count` forward passes of `model` over all tokens of `data`; a backward pass is as much as two forward ones.

    Where the number of tokens is not known, the arithmetic is not counted and the estimate says so.
    """
    shape, size = sizes[model].model, sizes[data]
    if shape is None:
        return Work(seconds=START, unknown="the shape of the model")
    if size.tokens is None:
        return Work(seconds=START, unknown=f"the tokens in `{field}`")
    length = min(shape.context, size.tokens / size.examples) if size.examples else shape.context / 2
    one = forward_flops(shape.matmul_parameters, size.tokens, layers=shape.layers, attention_width=shape.hidden, length=length)
    return Work(flops=Flops(count * one), seconds=START)
