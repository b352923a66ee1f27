"""The data card: where a model's data comes from, on what terms, what was done to it, how it was divided, and what is kept for measuring.

It has figures, names and digests, and no text of the data. Source: Pushkarna et al. (2022), "Data Cards", arXiv:2204.01075.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from pipeline_dsl.base.units import scaled
from pipeline_dsl.plan.plan import PlannedStage, leaves
from pipeline_dsl.provenance.cards import sections
from pipeline_dsl.provenance.cards.facts import Facts, measured_on
from pipeline_dsl.provenance.cards.figures import figures
from pipeline_dsl.provenance.cards.limitations import data_limits
from pipeline_dsl.provenance.cards.markdown import bullets, code, front_matter, section, table, text
from pipeline_dsl.provenance.cards.sources import Origin, hub_licence, licences, origins
from pipeline_dsl.store.tree import Tree

_UNITS = {
    "corpus": (("documents", "documents"), ("characters", "characters")),
    "dataset": (("rows", "rows"), ("tokens", "tokens"), ("documents", "documents")),
    "chats": (("conversations", "conversations"),),
    "preferences": (("pairs", "pairs"),),
    "prompts": (("prompts", "prompts"),),
    "exercises": (("prompts", "exercises"),),
}
"""What data of each kind counts, and how that is called."""


def data_card(facts: Facts) -> str:
    """The card of the data that a run's model learnt from and was measured on, in Markdown, the same bytes for the same run."""
    found = origins(facts)
    lines = [
        *front_matter(_metadata(facts, found)),
        f"# Data of {text(facts.plan.pipeline)} {text(facts.plan.pipeline_version)}",
        "",
        "Written by pdsl from the run's manifest, plan and store. It has figures and digests, and no text of the data.",
        "",
        *section("Sources and licences", sections.origin_rows(found) or ["None.", ""]),
        *_sets(facts),
        *_personal(facts, found),
        *_cleaning(facts),
        *_splits(facts),
        *_languages(facts),
        *_held(facts),
        *sections.contaminated(facts, list(figures(facts))),
        *section("Limitations", bullets(_limitations(facts, found))),
        *sections.again(facts),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _metadata(facts: Facts, found: list[Origin]) -> dict[str, Any]:
    documents = sum(_count(tree) for stage, _, tree in facts.stages("corpus") if stage.name in facts.learnt and _last(facts, stage.name))
    return {
        **hub_licence(licences(found)),
        "pretty_name": f"Data of {facts.plan.pipeline} {facts.plan.pipeline_version}",
        "language": sorted({code for stage in _learnt(facts) for code in _texts(stage, "languages")}),
        "task_categories": ["text-generation"],
        "size_categories": [_size(documents)] if documents else None,
        "tags": ["pdsl"],
    }


def _count(tree: Tree) -> int:
    documents = tree.meta.get("documents")
    return documents if isinstance(documents, int) else 0


def _last(facts: Facts, name: str) -> bool:
    """Whether no other corpus is made of this one."""
    return not any(name in stage.parents for stage, _, _ in facts.stages("corpus"))


def _size(count: int) -> str:
    low = 1000
    if count < low:
        return "n<1K"
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    for smaller, larger in itertools.pairwise(names):
        low *= 10
        if count < low:
            return f"{smaller}<n<{larger}"
    return "n>1T"


def _learnt(facts: Facts) -> list[PlannedStage]:
    return [stage for stage, _, _ in facts.stages() if stage.name in facts.learnt]


def _texts(stage: PlannedStage, field: str) -> list[str]:
    said: Any = stage.fields.get(field)
    return [item for item in cast("list[Any]", said) if isinstance(item, str)] if isinstance(said, list | tuple) else []


def _sets(facts: Facts) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for stage, record, tree in facts.stages():
        if tree.kind in _UNITS:
            counted = ", ".join(f"{tree.meta[key]:,} {name}" for key, name in _UNITS[tree.kind] if isinstance(tree.meta.get(key), int))
            inputs = ", ".join(map(code, dict.fromkeys(stage.parents))) or "nothing"
            rows.append(
                (
                    code(stage.name),
                    code(tree.kind),
                    counted or "not recorded",
                    scaled(tree.size, "B"),
                    inputs,
                    facts.use(stage.name),
                    code(record.output),
                )
            )
    return section("Data sets", table(("stage", "kind", "holds", "size", "made of", "use", "digest"), rows) or ["None is recorded.", ""])


def _personal(facts: Facts, found: list[Origin]) -> list[str]:
    items = [f"{code(origin.stage)}: declared to hold personal data" for origin in found if origin.personal]
    items += [f"{code(origin.stage)}: not declared to hold any" for origin in found if not origin.personal]
    for stage, _, tree in facts.stages():
        kinds = _texts(stage, "redact")
        if kinds:
            done = {
                key.removeprefix("ingest.redacted."): count for key, count in _own_counts(facts, stage, tree).items() if ".redacted." in key
            }
            said = ", ".join(f"{count:,} x {code(kind)}" for kind, count in sorted(done.items())) or "none was found"
            items.append(f"{code(stage.name)} replaces {', '.join(map(code, kinds))} by its kind; {said}")
    return section("Personal data", bullets(items) or ["Not measured.", ""])


def _own_counts(facts: Facts, stage: PlannedStage, tree: Tree) -> dict[str, int]:
    """What a stage counted itself: counts travel on with a corpus, and add up where corpora are put together."""
    before: Counter[str] = Counter()
    parents = [parent for parent in dict.fromkeys(stage.parents) if parent in facts.trees]
    for parent in parents:
        before.update(_counts(facts.trees[parent]))
    return {key: count - before[key] for key, count in _counts(tree).items() if key not in before or count > before[key]}


def _counts(tree: Tree) -> dict[str, int]:
    said: Any = tree.meta.get("counts")
    found = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    return {key: count for key, count in found.items() if isinstance(count, int)}


def _cleaning(facts: Facts) -> list[str]:
    items: list[str] = []
    for stage, _, tree in facts.stages("corpus"):
        own = {key: count for key, count in _own_counts(facts, stage, tree).items() if ".redacted." not in key}
        if own:
            items.append(f"{code(stage.name)}: " + ", ".join(f"{code(key)} {count:,}" for key, count in sorted(own.items())))
    duplicates = [
        f"{code(stage.name)} drops exact duplicates" + (f", and near ones from a similarity of {near:g} on" if near else "")
        for stage, _, _ in facts.stages()
        if "permutations" in stage.fields and "near" in stage.fields
        for near in (stage.fields.get("near"),)
    ]
    return section(
        "Cleaning and duplicates", bullets(items) or ["Nothing was counted.", ""], bullets(duplicates or ["Duplicates: not measured."])
    )


def _splits(facts: Facts) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for stage, _, _ in facts.stages():
        part = stage.fields.get("part")
        if isinstance(part, str):
            rule = {key: value for key, value in stage.fields.items() if key != "part" and isinstance(value, int | float | str)}
            rows.append(
                (code(stage.name), code(part), code(rule), ", ".join(map(code, dict.fromkeys(stage.parents))), facts.use(stage.name))
            )
    return section("Splits", table(("stage", "part", "divided by", "of", "use"), rows) or ["None is declared.", ""])


def _languages(facts: Facts) -> list[str]:
    items = [
        f"{code(stage.name)} keeps {', '.join(map(code, kept))}" for stage, _, _ in facts.stages() if (kept := _texts(stage, "languages"))
    ]
    return section("Languages", bullets(items) or ["Not measured: nothing was filtered by language.", ""])


def _held(facts: Facts) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for stage, record, tree in facts.stages("eval_suite"):
        examples: Any = tree.meta.get("examples")
        counted = cast("dict[str, Any]", examples) if isinstance(examples, dict) else {}
        said = ", ".join(f"{code(task)} {count:,}" for task, count in sorted(counted.items()) if isinstance(count, int))
        rows.append((code(stage.name), "evaluation suite", said or "not recorded", code(record.output)))
    for stage, _, _ in facts.stages():
        for field in sorted((measured_on(stage) or frozenset()) & set(stage.inputs)):
            for name in leaves(stage.inputs[field]):
                if name in facts.trees and facts.trees[name].kind != "eval_suite":
                    rows.append(
                        (code(name), f"measured on by {code(stage.name)}", code(facts.trees[name].kind), code(facts.records[name].output))
                    )
    unique = list(dict.fromkeys(rows))
    return section("Held out", table(("stage", "as", "holds", "digest"), unique) or ["None is declared.", ""])


def _limitations(facts: Facts, found: list[Origin]) -> Iterator[str]:
    yield from data_limits(facts, found)
    if any(_texts(stage, "redact") for stage, _, _ in facts.stages()):
        yield "Personal data is found by its form: names and street addresses have none, and stay."
    else:
        yield "Personal data was looked for by no stage: not measured."
    yield "Bias, toxicity and consent of authors: not measured."
