"""The sections that tell what was decided and what a run took: both cards have them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import duration, scaled
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.gates.verdict import Row
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.provenance.cards.facts import Facts
from pipeline_dsl.provenance.cards.figures import Figure, is_contamination
from pipeline_dsl.provenance.cards.markdown import bullets, code, number, section, spread, table, text
from pipeline_dsl.provenance.cards.sources import NOT_RECORDED, Origin


def decided(facts: Facts) -> list[str]:
    """The decision, each gate, and each override with who signed it and why."""
    decision, verdict = facts.decision, facts.decision.verdict
    said = [f"**{decision.outcome}**, by the verdict {code(verdict.digest)} on the plan {code(verdict.plan)}."]
    if verdict.artifact:
        said.append(
            f"It is about the artifact {code(verdict.artifact)}"
            + (f", against the baseline {code(verdict.baseline)}." if verdict.baseline else ".")
        )
    held = [f"held: {text(reason)}" for reason in decision.reasons]
    rows = (
        (
            code(row.gate),
            code(row.stage or "the run"),
            f"{number(row.value)} {row.unit}",
            spread(row.interval),
            _threshold(row),
            result(decision, index),
            _resolved(row),
        )
        for index, row in enumerate(verdict.rows)
    )
    gates = table(("gate", "measured by", "value", "95% interval", "threshold", "result", "the evaluation can tell"), rows)
    return section("Decision", [*said, ""], bullets(held), gates or ["There are no gates.", ""], _overrides(facts))


def _threshold(row: Row) -> str:
    level = f"{row.operator} {number(row.threshold)}"
    if row.baseline is None:
        return level
    moved = "" if row.difference is None else f", difference {row.difference.value:+.4g} ({spread(row.difference.interval)})"
    return f"{level}, baseline {number(row.baseline)} ({spread(row.baseline_interval)}){moved}"


def _resolved(row: Row) -> str:
    return {True: "yes", False: "no", None: "not known"}[row.resolved]


def result(decision: Decision, index: int) -> str:
    """What came of a gate, by its place in the verdict's rows."""
    if index in decision.overridden:
        return "overridden"
    about = decision.contaminated.get(index)
    if about is not None and about.passes:
        return f"pass, at {number(about.value)} without {len(about.exempted)} exempted items"
    return decision.verdict.rows[index].result


def _overrides(facts: Facts) -> list[str]:
    items: list[str] = []
    for index, standings in facts.decision.overridden.items():
        for found in standings:
            said = found.override
            what = "first release without a baseline" if said.gate is None else "override"
            items.append(
                f"{what} of {code(facts.decision.verdict.rows[index].gate)}: signed by {text(said.reviewer)} on {code(said.signed)}, "
                f"until {code(said.expires)}; reason: {text(said.reason)}"
            )
    for exemption in facts.decision.exempted.people.values():
        items.append(
            f"exemption of {len(exemption.items)} contaminated items: signed by {text(exemption.reviewer)} on {code(exemption.signed)}, "
            f"until {code(exemption.expires)}; reason: {text(exemption.reason)}"
        )
    items += [f"note: {text(note)}" for note in facts.decision.notes]
    return bullets(items or ["Overrides: none."])


def took(facts: Facts) -> list[str]:
    """What the run took: device-hours, CPU-hours, dollars, FLOPs, on which machines."""
    hours: dict[str, float] = defaultdict(float)
    for stage, record, _ in facts.stages():
        hours[f"{record.device}{' (accelerator)' if stage.accelerated else ''}"] += record.devices * record.wall_clock_sec / 3600
    records = list(facts.records.values())
    costs = [record.cost_usd for record in records if record.cost_usd is not None]
    unpriced = len(records) - len(costs)
    estimates = [stage.estimate for stage, _, _ in facts.stages()]
    machines = sorted(
        {
            f"{record.machine.system}, {record.machine.processor}, {record.machine.cores} cores, {scaled(record.machine.memory, 'B')}"
            for record in records
        }
    )
    rows = [("device-hours", f"{number(amount)} on {code(device)}") for device, amount in sorted(hours.items())]
    rows += [
        ("CPU-hours", number(sum(record.cpu_sec for record in records) / 3600)),
        ("wall clock, stages added up", duration(sum(record.wall_clock_sec for record in records))),
        ("cost", f"{number(sum(costs))} USD" + (f", and {unpriced} of {len(records)} stages of unknown price" if unpriced else "")),
        ("model FLOPs, estimated", scaled(sum(estimate.flops for estimate in estimates)) + _uncounted(facts)),
        ("largest memory of a stage", scaled(max((record.peak_memory for record in records), default=0), "B")),
        *(("machine", code(machine)) for machine in machines),
        ("energy and emissions", "not measured"),
    ]
    return section("Compute", table(("what", "how much"), rows))


def _uncounted(facts: Facts) -> str:
    unknown = [stage.name for stage, _, _ in facts.stages() if stage.estimate.unknown]
    return f"; not counted: {', '.join(map(code, unknown))}" if unknown else ""


def origin_rows(found: list[Origin]) -> list[str]:
    """Where data comes from, as a table."""
    rows = (
        (
            code(origin.stage),
            code(origin.origin),
            code(origin.licence) if origin.licence else NOT_RECORDED,
            ", ".join(origin.terms) or ("none known" if origin.licence else "unknown"),
            {True: "declared", False: "not declared", None: "not recorded"}[origin.personal],
            f"{scaled(origin.size, 'B')} in {origin.files} files",
            code(origin.digest),
            origin.use,
        )
        for origin in found
    )
    return table(("stage", "origin", "licence", "what it forbids", "personal data", "size", "digest", "use"), rows)


def again(facts: Facts) -> list[str]:
    """How the run is checked and run again."""
    manifest = facts.run.manifest
    commit = code(manifest.git_commit) if manifest.git_commit else NOT_RECORDED
    name = f"{manifest.pipeline}-{manifest.plan.partition(':')[2][:12]}"
    said = [
        f"Pipeline {code(manifest.pipeline)} {code(manifest.pipeline_version)}, seed {manifest.seed}, commit {commit},",
        f"plan {code(manifest.plan)}.",
        "With the run's store:",
        "",
        "```console",
        f"$ pdsl gate .pdsl/runs/{_word(name)}/manifest.yaml",
        f"$ pdsl replay .pdsl/runs/{_word(name)}/manifest.yaml",
        "```",
        "",
    ]
    return section("How to check and replay it", said)


def _word(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)


def shortened(digest: str) -> str:
    """A digest in a place where the whole one stands elsewhere."""
    return code(short(digest))


def contaminated(facts: Facts, measured: list[Figure]) -> list[str]:
    """How much of what is measured on was found in what is learnt from, in all and by set."""
    rows = [
        (
            code(figure.metric),
            f"{number(figure.score.value)} {figure.unit}".strip(),
            spread(figure.interval),
            str(figure.score.samples),
            code(figure.stage),
        )
        for figure in measured
        if is_contamination(figure)
    ]
    sets: list[tuple[str, ...]] = []
    for stage, _, tree in facts.stages("contamination_report"):
        found: Any = tree.meta.get("sets")
        for name, said in sorted(cast("dict[str, Any]", found).items()) if isinstance(found, dict) else ():
            sets.append((code(name), with_interval(said), code(stage.name)))
    return section(
        "Contamination of the evaluation",
        table(("metric", "value", "95% interval", "items", "by"), rows) or ["Not measured.", ""],
        table(("evaluation set", "percent of its items", "by"), sets),
    )


def with_interval(said: Any) -> str:
    """A score in metadata, with its 95% interval."""
    if not isinstance(said, Mapping) or "value" not in said:
        return "not measured"
    found = cast("Mapping[str, Any]", said)
    score = Score(value=found["value"], samples=found.get("samples", 1), stderr=found.get("stderr"))
    return f"{number(score.value)} ({spread(score.interval)})"
