"""What a short manifest says of its data that must be known wherever it goes: a licence that forbids something, people in it."""

from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.checks.personal_data_learnt import PersonalDataLearnt
from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.label import TERMS
from pipeline_dsl.lang.licence import forbids

_CLEAN = ("none", "no", "removed", "scrubbed", "redacted", "masked", "anonymized", "anonymised", "filtered", "false", "clean", "")


def labels_of(whole: Tree | None, stage: Tree) -> list[dict[str, str]]:
    """The labels of what a stage makes; `whole` is the manifest where its own licence is meant for the stage."""
    given = [tree.items["licence"] for tree in (stage, whole) if tree is not None and "licence" in tree.items][:1]
    given += [tree.items[key] for tree in _sets(stage) for key in ("licence", "license") if key in tree.items]
    said = {item.text.strip() for tree in given for item in (tree, *tree.members, *tree.items.values()) if item.text}
    labels = [{"kind": term, "said": licence} for licence in sorted(said) for term in sorted(forbids(licence))]
    terms = stage.items.get("terms")
    labels += [{"kind": str(terms.value), "said": ""}] if terms is not None and terms.value in TERMS else []
    return [*labels, *([{"kind": "personal", "said": ""}] if _personal(stage) is not None else [])]


def personal_learnt(brief: Brief) -> Iterator[Diagnostic]:
    """Stages that say that what they themselves learn from tells about people."""
    for name, stage in brief.stages.items():
        said = _personal(stage)
        if said is not None and brief.kinds.get(name) in ("tokenizer", "pretrain", "sft", "reward", "align"):
            help = "take it out first, in a stage of its own, and write `pii: removed`"
            yield PersonalDataLearnt().finding(f"`{name}` learns from personal data that nothing has taken out", at=said.key, help=help)


def _personal(stage: Tree) -> Tree | None:
    """Where a stage says that its data tells about people."""
    keys = ("pii", "personal", "contains_pii", "has_pii", "personal_data")
    for said in (tree.items[key] for tree in (stage, *_sets(stage)) for key in keys if key in tree.items):
        if said.value is True or (isinstance(said.value, str) and said.value.strip().lower() not in _CLEAN):
            return said
    return None


def _sets(stage: Tree) -> Iterator[Tree]:
    """The data sets of a stage that say more than their name."""
    for key in ("data", "datasets", "train_data", "data_mix"):
        for tree in (stage.items[key],) if key in stage.items else ():
            yield from (item for item in (tree, *tree.members, *tree.items.values()) if item.items)
