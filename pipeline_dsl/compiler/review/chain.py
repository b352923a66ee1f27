"""The hash chain of a manifest under review: every digest that can be computed again is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pipeline_dsl.base.canonical import NotCanonical, plain
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.digest import short as cut
from pipeline_dsl.compiler.compile import planned
from pipeline_dsl.compiler.described import ARTIFACTS
from pipeline_dsl.compiler.review import short
from pipeline_dsl.compiler.review.findings import ChainBroken, DigestMalformed, NotFinished
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.artifact import kind_name
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.plan.plan import definition, leaves, reshape

_DIGEST = re.compile(r"sha256(?:-sharded)?:[0-9a-f]{64}").fullmatch
_EDITED = "it was edited since it was written: review what the run wrote"
_STALE = "write the proposal anew, or leave `definition` and `plan` out: a review computes them itself"


def links(subject: Subject) -> Iterator[Diagnostic]:
    """Whatever does not hold of a chain: digests that are none, inputs that nobody made, recipes and plans that were changed."""
    if subject.short:
        yield from short.links(subject.entries)
        return
    yield from _malformed(subject)
    for name in subject.entries:
        yield from _result(subject, name)
        yield from _read(subject, name)
        yield from _action(subject, name)
        yield from _kind(subject, name)
    yield from _definitions(subject)
    yield from _plan(subject)


def digest_faults(tree: Tree | None, what: str) -> Iterator[Diagnostic]:
    """What should be a digest, or hold digests, and does not."""
    if tree is None or tree.value is None:
        return
    for item in (*tree.items.values(), *tree.members) if isinstance(tree.value, dict | list) else (tree,):
        if isinstance(item.value, dict | list):
            yield from digest_faults(item, what)
        elif item.value is not None and not (isinstance(item.value, str) and _DIGEST(item.value)):
            help = "a digest is `sha256:` and 64 hexadecimal digits, as the run wrote it"
            yield DigestMalformed.finding(f"{what} is no digest: {item.text or ''!r:.100}", item.span, help=help)


def _malformed(subject: Subject) -> Iterator[Diagnostic]:
    if not isinstance((plan := subject.tree.items.get("plan")) and plan.value, dict | list):  # which its form tells
        yield from digest_faults(plan, "`plan`")
    for name in subject.entries:
        for field in ("definition", "action", "record", "input_hash", "output_hash", "code"):
            yield from digest_faults(subject.said(name, field), f"`{field}` of `{name}`")
        yield from digest_faults(subject.said(name, "recipe", "fields", "digest"), f"the digest that `{name}` is pinned to")


def _recipe(subject: Subject, name: str) -> tuple[str, int, Mapping[str, Any], Mapping[str, Any]] | None:
    """Type, version, fields and inputs, exactly as they are written; None where they are incomplete."""
    said = {part: subject.said(name, "recipe", part) for part in ("type", "version", "fields", "inputs")}
    kind, version = said["type"], said["version"]
    if kind is None or version is None or not isinstance(version.value, int):
        return None
    fields, inputs = (
        ({} if (tree := said[part]) is None else {name: item.plain for name, item in tree.items.items()}) for part in ("fields", "inputs")
    )
    return str(kind.text), version.value, fields, inputs


def _result(subject: Subject, name: str) -> Iterator[Diagnostic]:
    if subject.finished and subject.said(name, "output_hash") is None:
        text = f"this run is said to be complete, and `{name}` has no result"
        yield NotFinished.finding(text, subject.at(name), help="review what the run wrote when it had come to its end")


def _read(subject: Subject, name: str) -> Iterator[Diagnostic]:
    """Inputs that are not what their producers made."""
    recipe = _recipe(subject, name)
    if recipe is None or not (subject.said(name, "output_hash") or subject.said(name, "input_hash")):
        return
    given = subject.said(name, "input_hash")
    told = given.items if given is not None else {}
    for field, shape in recipe[3].items():
        parents = list(leaves(shape))
        made = {parent: _text(subject.said(parent, "output_hash")) for parent in parents if isinstance(parent, str)}
        at = told[field].key if field in told else subject.at(name, "input_hash")
        if len(made) < len(set(map(str, parents))) or any(parent not in subject.entries for parent in made):
            text = f"`{name}.{field}` read what a stage made that the manifest does not have"
            yield ChainBroken.finding(text, at, help=_EDITED)
            continue
        absent = sorted(parent for parent, digest in made.items() if digest is None)
        if absent:
            text = f"`{name}` has a result, and `{absent[0]}`, which it reads, has none"
            yield ChainBroken.finding(text, subject.at(name, "output_hash"), help=_EDITED)
            continue
        wanted, was = reshape(shape, made), told[field].plain if field in told else None
        if wanted != was:
            related = [("its producer's result", subject.at(parents[0], "output_hash"))] if len(parents) == 1 else []
            yield ChainBroken.finding(
                f"`{name}.{field}` read {_shown(was)}, its producer made {_shown(wanted)}", at, help=_EDITED, related=related
            )
    for field, tree in told.items():
        if field not in recipe[3]:
            yield ChainBroken.finding(f"`{name}` read {field!r:.80}, which its recipe does not have", tree.key, help=_EDITED)


def _action(subject: Subject, name: str) -> Iterator[Diagnostic]:
    recipe, action, given = _recipe(subject, name), subject.said(name, "action"), subject.said(name, "input_hash")
    if action is None:
        if subject.said(name, "output_hash"):
            yield ChainBroken.finding(f"`{name}` has a result and no `action` that names how it was made", subject.at(name), help=_EDITED)
        return
    if recipe is None:
        yield ChainBroken.finding(f"the recipe of `{name}` is not whole: no action can be computed of it", action.key, help=_EDITED)
        return
    key = _computed(recipe, given.plain if given is not None else {})
    if key != action.value:
        text = f"the recipe of `{name}` is not the one that was run: it gives the action {_shown(key)}, not {_shown(action.value)}"
        yield ChainBroken.finding(text, action.key, help=_EDITED)


def _computed(recipe: tuple[str, int, Mapping[str, Any], Mapping[str, Any]], inputs: Any) -> str | None:
    try:
        return definition(recipe[0], recipe[1], plain(recipe[2]), plain(inputs))
    except NotCanonical:
        return None


def _kind(subject: Subject, name: str) -> Iterator[Diagnostic]:
    kind, stage = subject.said(name, "kind"), subject.stage(name)
    if kind is None or stage is None:
        return
    makes = stage_type(type(stage)).produces
    said = _KINDS.get(str(kind.text))
    if (said is None and makes in ARTIFACTS.values()) or (said is not None and not issubclass(said, makes)):
        text = f"`{name}` is said to have made {kind.text!r:.60}, its type makes {kind_name(makes)!r}"
        yield ChainBroken.finding(text, kind.span, help=_EDITED)


_KINDS = {kind_name(kind): kind for kind in ARTIFACTS.values()}


def _definitions(subject: Subject) -> Iterator[Diagnostic]:
    """Definitions that are not those of the recipes, each computed from those of its inputs; one that is wrong is told once."""
    known: dict[str, str | None] = {}
    compiled = {subject.facts.graph.names[stage]: digest for stage, digest in subject.facts.definitions.items()} if subject.facts else {}
    for name in subject.entries:
        said = subject.said(name, "definition")
        computed = _defined(subject, name, known, set())
        if said is None or not isinstance(said.value, str):
            continue
        known_here = {computed, compiled.get(name)} - {None}
        if known_here and said.value not in known_here and not _caused(subject, name, known):
            text = f"the definition of `{name}` is {_shown(computed or compiled.get(name))} by its recipe, not {_shown(said.value)}"
            yield ChainBroken.finding(text, said.key, help=_EDITED if subject.ran else _STALE)


def _defined(subject: Subject, name: str, known: dict[str, str | None], under_way: set[str]) -> str | None:
    """The definition of a stage by what is written; None where it cannot be computed."""
    pending = [name]
    while pending:  # producers first, without recursion: a chain may be long
        current = pending[-1]
        recipe = _recipe(subject, current) if current in subject.entries else None
        parents = [parent for shape in recipe[3].values() for parent in leaves(shape)] if recipe else []
        if recipe is None or any(not isinstance(parent, str) for parent in parents):
            known[current] = None
        elif current not in known and (missing := [parent for parent in parents if parent not in known]) and current not in under_way:
            under_way.add(current)
            pending += missing
            continue
        elif current not in known:
            whole = all(known.get(parent) for parent in parents)
            known[current] = _computed(recipe, {field: reshape(shape, known) for field, shape in recipe[3].items()}) if whole else None
        pending.pop()
    return known[name]


def _caused(subject: Subject, name: str, known: Mapping[str, str | None]) -> bool:
    """Whether an input's definition is wrong already, which then has its own finding."""
    recipe = _recipe(subject, name)
    for parent in (parent for shape in recipe[3].values() for parent in leaves(shape)) if recipe else ():
        said = subject.said(parent, "definition") if isinstance(parent, str) else None
        if said is not None and said.value != known.get(parent):
            return True
    return False


def _plan(subject: Subject) -> Iterator[Diagnostic]:
    """A plan that is named, and is not the one that is written down."""
    said, facts = subject.tree.items.get("plan"), subject.facts
    if subject.finished and (said is None or said.value is None):
        at = (subject.tree.items.get("pipeline") or subject.tree).key
        yield ChainBroken.finding("this run does not name its `plan`, which its gates and its budget are held against", at, help=_EDITED)
    if said is None or not isinstance(said.value, str) or not _DIGEST(said.value) or facts is None:
        return
    if (
        facts.unspelled
        or any(bound.metric is None for bound in facts.gates)
        or subject.unfinished  # and may name stages that are still pending
    ):
        return  # the plan of what is written cannot be told
    if any(
        (tree := subject.said(name, "definition")) is not None and tree.value != facts.definitions.get(stage)
        for name, stage in subject.declared.stages.items()
    ):
        return  # which was told
    digest = planned(facts).digest
    if digest != said.value:
        changed = "gates, budget, baseline, seed or what ships was changed"
        text = f"what is written here is the plan {cut(digest)}, not {cut(said.value)}: {changed}"
        yield ChainBroken.finding(text, said.key, help=_EDITED if subject.ran else _STALE)


def _text(tree: Tree | None) -> str | None:
    return tree.value if tree is not None and isinstance(tree.value, str) else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return cut(value) if _DIGEST(value) else f"{value:.60}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in cast("list[Any]", value)[:3])
    return "nothing" if value is None else f"{value!s:.120}"
