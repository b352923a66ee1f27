"""What flows between stages: a type of artifact is a class, its fields are the metadata that travels with the files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, dataclass_transform

import attrs

from pipeline_dsl.lang.measure import Score


def kind_name(cls: type) -> str:
    """`SftModel` -> `sft_model`: how a class is called in names, plans and manifests."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
class Artifact:
    """A kind of thing that a stage makes.

    A subclass names its files as glob patterns, each of which must match, and its metadata as fields. Being a subclass is
    what lets an artifact stand where its base is wanted; `becomes` only feeds the help text, by naming the stage types
    that turn this artifact into another one.
    """

    files: ClassVar[tuple[str, ...]] = ()
    becomes: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        attrs.frozen(kw_only=True, slots=False)(cls)

    @classmethod
    def check(cls, directory: Path) -> Iterator[str]:
        """Say what keeps `directory` from holding this artifact; nothing if it does."""
        for pattern in cls.files:
            if not any(directory.glob(pattern)):
                yield f"no file matches `{pattern}`"

    @property
    def scores(self) -> Mapping[str, Score]:
        """The metrics that gates may read from this artifact, by name."""
        return {}
