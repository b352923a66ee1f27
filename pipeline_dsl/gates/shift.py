"""What stages ran with otherwise in one run than in another."""

from collections.abc import Iterator

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.store.manifest import StageEntry


@attrs.frozen(kw_only=True)
class Shift:
    """What a stage ran with otherwise than before: a library's version, hardware, its code; or the run as a whole: its commit."""

    stage: str | None
    what: str
    old: str | None
    new: str | None


def shifts(name: str, before: StageEntry, after: StageEntry) -> Iterator[Shift]:
    """What a stage ran with otherwise than before."""
    if before.record == after.record:
        return
    if before.recipe.type == after.recipe.type and before.code != after.code:
        yield Shift(stage=name, what="code", old=short(before.code), new=short(after.code))
    if before.hardware != after.hardware:
        yield Shift(stage=name, what="hardware", old=before.hardware, new=after.hardware)
    for library in sorted({*before.libraries, *after.libraries}):
        was, is_ = before.libraries.get(library), after.libraries.get(library)
        if was != is_:
            yield Shift(stage=name, what=library, old=was, new=is_)
