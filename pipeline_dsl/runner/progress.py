"""How far a running stage says that it is."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import Fault


@attrs.frozen(kw_only=True)
class Progress:
    """`step` of `total`, with figures such as a loss; `time` is when that was, seconds since 1970."""

    step: float
    total: float
    figures: Mapping[str, float] = {}
    time: float = 0.0


def read_progress(path: Path) -> Progress | None:
    """What a progress file says; None if there is none, or if what a stage wrote into it makes no sense."""
    try:
        found = structure(json.loads(path.read_text(encoding="utf-8")), Progress, what=str(path))
    except (OSError, ValueError, RecursionError, Fault):
        return None
    return found if math.isfinite(found.step + found.total + found.time) else None
