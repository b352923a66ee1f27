"""Declarations by functions, `partial` and `attrs.evolve`."""

from functools import partial

import attrs
from _studio import Sft, Talk, base

from pipeline_dsl import Pipeline, Ref, SftModel

FewEpochs = partial(Sft, base=base, epochs=1)


def tuned(year: int, **more: float) -> Ref[SftModel]:
    """A model that learnt from one year."""
    return Sft(base=base, data=Talk(year=year), **more)  # pyright: ignore[reportArgumentType]


first = FewEpochs(data=Talk(year=2020))
second = attrs.evolve(first, epochs=2, workers=4)

pipeline = Pipeline(name="years", targets=[first, second, tuned(2021), tuned(2022, learning_rate=2e-5)])  # pyright: ignore[reportArgumentType]
