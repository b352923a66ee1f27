"""The types of a manifest's stages that are not installed, by what it says of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import BadFile
from pipeline_dsl.compiler.described import ARTIFACTS, OURS, Signature, Told, type_of, valued
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.review import installed
from pipeline_dsl.compiler.review.findings import TypeTold, TypeUnknown
from pipeline_dsl.compiler.review.report import Report
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.gate import Metric
from pipeline_dsl.lang.label import TERMS
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size


def told_type(name: str, tree: Tree, recipe: Tree, types: installed.Types, report: Report) -> type[AnyStage] | None:
    """A type that is not installed, by what the manifest declares of it."""
    at, said = recipe.items["type"].span, str(recipe.items["type"].value)
    near = installed.close(types, said)
    meant = f"did you mean `{near}`? " if near else ""
    declares = tree.items.get("declares")
    if not _path(said) or said.startswith(OURS) or declares is None:
        help = f"{meant}name the module that declares it with `--types`, or let `pdsl plan --manifest` write what it declares"
        report.found.append(TypeUnknown.finding(f"`{name}` is of a type that is not installed: {said!r:.120}", at, help=help))
        return None
    signature = _signature(name, said, declares, tree, recipe, report)
    if signature is None:
        return None
    help = "name its module with `--types` to judge it by its own code"
    text = f"`{said}` is not installed: it is judged by what the manifest says of it"
    if all(finding.message != text for finding in report.found):
        report.found.append(TypeTold.finding(text, at, help=help))
    seconds = _number(_within(tree, "estimate", "seconds"))
    return type_of(signature, declares.plain, seconds or _number(tree.items.get("wall_clock_sec")) or 0.0)


def _signature(name: str, said: str, declares: Tree, tree: Tree, recipe: Tree, report: Report) -> Signature | None:
    report.unknown(declares, _DECLARES, f"what `{name}` declares")
    made = declares.items.get("produces")
    inputs: dict[str, Mapping[str, Any]] = {}
    flaws = list(_flaws(declares))
    if made is None or made.text not in ARTIFACTS:
        flaws.append((made or declares, "`produces` names an artifact type: " + ", ".join(sorted(ARTIFACTS))))
    for field, told in (declares.items.get("inputs") or Tree({}, made.span if made else declares.span, declares.key)).items.items():
        reads = told.items.get("reads")
        if reads is None or not reads.members or any(kind.text not in ARTIFACTS for kind in reads.members):
            flaws.append((told, f"`{field}` says which artifact types it `reads`"))
        inputs[field] = told.plain if isinstance(told.value, dict) else {}
    defaults = {item.text for item in (declares.items["defaults"].members if "defaults" in declares.items else ())}
    written = {**report.part(recipe, "fields"), **report.part(tree, "execution")}
    fields = {field: valued(item.plain) if field in defaults else None for field, item in written.items()}
    flaws += [
        (recipe, f"`{field}` is no name for a field")
        for field in (*fields, *inputs)
        if not _field(field) or (hasattr(Told, field) and field != "evaluation")
    ]
    for at, text in flaws:
        report.unusable(f"what `{name}` declares cannot be used: {text}", at, "let `pdsl plan TARGET --manifest FILE` write it")
    if flaws or made is None:
        return None
    version = recipe.items.get("version")
    if version is not None and version.value is not None and type(version.value) is not int:
        report.unusable(f"`version` of the recipe of `{name}` is a whole number", version, "write `version: 1`")
        return None
    number = 1 if version is None or version.value is None else version.value
    return Signature(path=said, version=number, produces=ARTIFACTS[made.text or ""], inputs=inputs, fields=fields)


def _field(name: str) -> bool:
    """Whether a text can be the name of a field."""
    return name.isidentifier() and name[0] != "_"


_DECLARES = (
    "produces",
    "inputs",
    "aligns",
    "movable",
    "evaluation",
    "labels",
    "clears",
    "division",
    "size",
    "placement",
    "measures",
    "attributes",
    "defaults",
    "unknown",
)


def _path(said: str) -> bool:
    """Whether a text is `module:Name`."""
    module, colon, name = said.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


def _flaws(declares: Tree) -> Iterator[tuple[Tree, str]]:
    """What of a type's answers has another form than the compiler asks for."""
    forms: dict[str, Any] = {"aligns": bool, "movable": bool, "evaluation": bool, "unknown": str, "labels": tuple[Mapping[str, str], ...]}
    forms |= {"clears": tuple[str, ...], "size": Size, "placement": Placement, "measures": tuple[Any, ...], "attributes": Mapping[str, Any]}
    forms |= {"division": Mapping[str, str], "defaults": tuple[str, ...]}
    for name, form in forms.items():
        tree = declares.items.get(name)
        if tree is None:
            continue
        try:
            made = structure(tree.plain, form, what=name)
            for item in made if name == "measures" else ():
                structure(item, str if isinstance(item, str) else Metric, what=name)
        except BadFile as error:
            yield tree, error.message
            continue
        kinds = {label.get("kind", "") for label in made} if name == "labels" else set(made) if name == "clears" else set[str]()
        if strange := kinds - {"evaluation", "personal", *TERMS}:
            yield tree, f"no label is called {min(strange)!r:.60}"
        if name == "division" and set(made) != {"whole", "part", "rule"}:
            yield tree, "a division has a whole, a part and a rule"


def _within(tree: Tree, *path: str) -> Tree | None:
    for name in path:
        if name not in tree.items:
            return None
        tree = tree.items[name]
    return tree


def _number(tree: Tree | None) -> float | None:
    if tree is None:
        return None
    value = tree.value
    if isinstance(value, dict):
        return _number(tree.items.get("point"))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15 else None
