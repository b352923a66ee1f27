"""Two runs, compared: which metrics moved beyond noise, what ran otherwise, and what nothing that is declared explains."""

from collections.abc import Iterable

import attrs

from pipeline_dsl.gates.examined import Examined, Flag
from pipeline_dsl.gates.movement import Movement, movements
from pipeline_dsl.gates.shift import Shift, shifts
from pipeline_dsl.gates.unexplained import figures, unexplained, unshared
from pipeline_dsl.plan.comparison import Pair


@attrs.frozen(kw_only=True)
class Drift:
    """What two runs differ in beyond what they declare."""

    movements: tuple[Movement, ...]
    shifts: tuple[Shift, ...]
    flags: tuple[Flag, ...]


def drift(old: Examined, new: Examined, pairs: Iterable[Pair]) -> Drift:
    """Compare two runs of pipelines whose stages are paired."""
    moves: list[Movement] = []
    changes: list[Shift] = []
    if old.manifest.git_commit != new.manifest.git_commit:
        changes.append(Shift(stage=None, what="commit", old=old.manifest.git_commit, new=new.manifest.git_commit))
    flags = [attrs.evolve(flag, text=f"{side}: {flag.text}") for side, run in (("old", old), ("new", new)) for flag in run.doubts]
    for pair in pairs:
        if pair.old is None or pair.new is None:
            continue
        before, after = old.manifest.stages.get(pair.old.name), new.manifest.stages.get(pair.new.name)
        if before is None or after is None:
            continue
        moved = list(movements(old, pair.old.name, new, pair.new.name, redefined=pair.fate != "same"))
        ran = list(shifts(pair.new.name, before, after))
        moves += moved
        changes += ran
        flags += unexplained(pair, before, after, moved, ran, unshared(old.trees.get(pair.old.name), new.trees.get(pair.new.name)))
        flags += figures(pair, old, new)
    return Drift(movements=tuple(moves), shifts=tuple(changes), flags=tuple(flags))
