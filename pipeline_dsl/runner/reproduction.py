"""Whether what a stage made again is what it made: by its bytes, and where these differ by what was measured.

A metric with a spread is reproduced if the 95% interval of the difference holds none at all: paired where both are evaluations of
one suite that kept their answers, of two independent samples otherwise. One without a spread (a loss, say) is reproduced within
a tolerance, which is declared or 1%. What measures the machine (time, tokens a second, money) is shown and decides nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import attrs

from pipeline_dsl.gates.difference import Evidence, difference
from pipeline_dsl.plan.plan import PlannedStage
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree

Rule = Literal["interval", "paired interval", "tolerance", "not compared"]


@attrs.frozen
class Tolerance:
    """How far a metric may be off: in its unit, or as a share of what it was."""

    value: float
    relative: bool = False

    def around(self, recorded: float) -> tuple[float, float]:
        """What may be measured where `recorded` was."""
        reach = self.value * abs(recorded) if self.relative else self.value
        return recorded - reach, recorded + reach


DEFAULT = Tolerance(0.01, relative=True)
"""Of what has no spread of its own, such as a validation loss; it is printed beside every metric that is held to it. A pre-training of
800 steps that was made again with other kernels (no AVX, so other sums) ended 0.4% off its loss; with other seeds, 6% and 12%.
Who has measured how far runs of another recipe differ says so with `--tolerance`."""

_MACHINE = frozenset({"cost", "service"})


@attrs.frozen(kw_only=True)
class Measure:
    """A metric of both. `allowed` is where the replayed value had to be; `within` is None where the metric decides nothing."""

    metric: str
    unit: str
    recorded: float | None
    replayed: float | None
    allowed: tuple[float, float] | None
    rule: Rule
    within: bool | None

    def __str__(self) -> str:
        text = f"{self.metric} {_number(self.recorded)} -> {_number(self.replayed)}"
        if self.allowed is None:
            return f"{text}, {self.rule}"
        text += f", {self.rule} [{self.allowed[0]:.4g}, {self.allowed[1]:.4g}]"
        if self.within or self.recorded is None or self.replayed is None:
            return text
        low, high = self.allowed
        return f"{text}: {max(low - self.replayed, self.replayed - high):.3g} {self.unit}".rstrip() + " outside"


@attrs.frozen
class Side:
    """An artifact and the store that has its files."""

    tree: Tree
    store: Store


def measured(
    stage: PlannedStage, recorded: Side, replayed: Side, known: Mapping[str, tuple[str, str]], own: Mapping[str, Tolerance]
) -> list[Measure]:
    """Each metric that either of two artifacts has; where there is none, each number in their metadata that is no count.

    `known` has the unit and the family of each metric that is known by its name; `own` the tolerances that were declared.
    """
    if not recorded.tree.scores and not replayed.tree.scores:
        return list(_figures(recorded.tree, replayed.tree, own))
    found: list[Measure] = []
    for name in sorted({*recorded.tree.scores, *replayed.tree.scores}):
        unit, family = known.get(name, ("", ""))
        one, other = recorded.tree.scores.get(name), replayed.tree.scores.get(name)
        if one is None or other is None:
            found.append(_measure(name, unit, one and one.value, other and other.value, None, "tolerance"))
        elif name in own:
            found.append(_measure(name, unit, one.value, other.value, own[name].around(one.value), "tolerance"))
        elif family in _MACHINE:
            found.append(_measure(name, unit, one.value, other.value, None, "not compared"))
        else:
            was = Evidence(score=one, tree=recorded.tree, stage=stage, store=recorded.store)
            now = Evidence(score=other, tree=replayed.tree, stage=stage, store=replayed.store)
            moved = difference(now, was, name, unit)
            if moved.interval is None:
                found.append(_measure(name, unit, one.value, other.value, DEFAULT.around(one.value), "tolerance"))
            else:
                reach = (moved.interval[1] - moved.interval[0]) / 2
                rule: Rule = "paired interval" if moved.paired else "interval"
                found.append(_measure(name, unit, one.value, other.value, (one.value - reach, one.value + reach), rule))
    return found


def _measure(
    metric: str, unit: str, recorded: float | None, replayed: float | None, allowed: tuple[float, float] | None, rule: Rule
) -> Measure:
    within: bool | None = False
    if rule == "not compared":
        within = None
    elif allowed is not None and replayed is not None:
        within = allowed[0] <= replayed <= allowed[1]
    return Measure(metric=metric, unit=unit, recorded=recorded, replayed=replayed, allowed=allowed, rule=rule, within=within)


def _figures(recorded: Tree, replayed: Tree, own: Mapping[str, Tolerance]) -> Iterator[Measure]:
    one, other = dict(_leaves("", recorded.meta)), dict(_leaves("", replayed.meta))
    for name in sorted({*one, *other}):
        was, now = one.get(name), other.get(name)
        if isinstance(was, float) or isinstance(now, float):
            before, after = (float(value) if isinstance(value, int | float) else None for value in (was, now))
            allowed = None if before is None else own.get(name, DEFAULT).around(before)
            yield _measure(name, "", before, after, allowed, "tolerance")


def other_facts(recorded: Tree, replayed: Tree) -> list[str]:
    """What else two artifacts say otherwise of themselves: counts and words, but no digests, which follow the bytes."""
    one, other = dict(_leaves("", recorded.meta)), dict(_leaves("", replayed.meta))
    found: list[str] = []
    for name in sorted({*one, *other}):
        was, now = one.get(name), other.get(name)
        digests = all(isinstance(value, str) and value.startswith("sha256") for value in (was, now))
        if was != now and not isinstance(was, float) and not isinstance(now, float) and not digests:
            found.append(f"{name} {was} -> {now}")
    return found


def files_that_differ(recorded: Tree, replayed: Tree) -> list[str]:
    """The paths of files that only one of two artifacts has, or that are not the same bytes."""
    one, other = ({entry.path: entry.digest for entry in tree.files} for tree in (recorded, replayed))
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def judged(measures: list[Measure], recorded: Tree, replayed: Tree) -> tuple[bool, str]:
    """Whether artifacts of different bytes count as the same result, and why not."""
    outside = [str(measure) for measure in measures if measure.within is False]
    if outside:
        return False, "; ".join(outside)
    if not any(measure.within for measure in measures):
        if not measures:
            return False, f"its bytes differ ({_few(files_that_differ(recorded, replayed))}), and nothing in it is measured"
        facts = other_facts(recorded, replayed)  # it measures its machine alone, so what it says beside that has to be the same
        return not facts, "; ".join(facts)
    facts = [] if recorded.scores else other_facts(recorded, replayed)
    return not facts, "; ".join(facts)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        yield path, value


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more files" if len(names) > 3 else "") if names else "what is said of it"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4g}"
