"""One stage of a manifest as the declaration that it stands for, with its place."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline_dsl.base.canonical import NotCanonical, canonical
from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import BadFile
from pipeline_dsl.base.span import Mark, Span
from pipeline_dsl.compiler.described import valued
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.review import installed
from pipeline_dsl.compiler.review.findings import FieldUnknown, TypeOfOtherVersion
from pipeline_dsl.compiler.review.hardware import hardware
from pipeline_dsl.compiler.review.report import Report, meant
from pipeline_dsl.compiler.review.told import told_type
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.fields import Field, Role
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.stage import stage_type
from pipeline_dsl.store.manifest import StageEntry

ENTRY = frozenset({*(field.name for field in attrs.fields(StageEntry)), "estimate"})
RECIPE = ("type", "version", "fields", "inputs")


class Place(Mark):
    """Where a stage or the pipeline stands in a manifest, and each of its fields."""

    def __init__(self, whole: Span, parts: Mapping[str, Span]) -> None:
        self.whole, self.parts = whole, parts

    def span(self) -> Span:
        return self.whole

    def argument(self, name: str) -> Span:
        return self.parts.get(name, self.whole)


class StageReader:
    """Reads stages one by one; `told` are those whose types are judged by what the manifest says of them."""

    def __init__(self, types: installed.Types, report: Report) -> None:
        self.types, self.report = types, report
        self.told: set[str] = set()
        self.count = 0

    def read(self, name: str, tree: Tree, default: Hardware) -> AnyStage | None:
        """The declaration of a stage, without its inputs; None if it cannot be declared."""
        self.report.unknown(tree, ENTRY, f"stage `{name}`")
        recipe = tree.items.get("recipe")
        if recipe is None or not recipe.items:
            self.report.unusable(
                f"stage `{name}` has no `recipe` with its type, fields and inputs", tree, "write `recipe: {type: TYPE, fields: {...}}`"
            )
            return None
        self.report.unknown(recipe, RECIPE, f"the recipe of `{name}`")
        cls = self._type(name, tree, recipe)
        if cls is None:
            self.report.sound = False
            return None
        values = {field.name: value for field, value in self._values(name, cls, tree, recipe)}
        place = hardware(self.report, tree.items.get("on"), tree.items.get("hardware"), default)
        try:
            given: dict[str, Any] = {"name": name, "on": place, **values}
            stage = cls(**given)
        except (TypeError, ValueError) as error:
            self.report.unusable(f"stage `{name}` cannot be declared: {error}", recipe)
            return None
        parts = {"name": tree.key, "on": (tree.items.get("on") or tree).key}
        given = {**self.report.part(recipe, "fields"), **self.report.part(recipe, "inputs"), **self.report.part(tree, "execution")}
        # what is written as the type's own default counts as left to it, here as in a pipeline file
        own = [field for field in stage_type(cls).fields if field.role is not Role.INPUT]
        left = {field.name for field in own if field.name in values and values[field.name] is field.default}
        parts |= {key: item.span for key, item in given.items() if key not in left}
        object.__setattr__(stage, "_declared", (self.count, Place(tree.key, parts)))
        self.count += 1
        return stage

    def _type(self, name: str, tree: Tree, recipe: Tree) -> type[AnyStage] | None:
        said = recipe.items.get("type")
        if said is None or not isinstance(said.value, str):
            self.report.found.append(FieldUnknown.finding(f"the recipe of `{name}` names no type", (said or recipe).key))
            return None
        cls = installed.find(self.types, said.value)
        if cls is None:
            cls = told_type(name, tree, recipe, self.types, self.report)
            if cls is not None:
                self.told.add(name)
            return cls
        version = recipe.items.get("version")
        if version is not None and version.value != cls.version:
            text = f"`{name}` was written for version {version.text} of {cls.__name__}; the one that is installed is {cls.version}"
            help = "review it with the pdsl that it was written for, or write it anew"
            self.report.found.append(TypeOfOtherVersion.finding(text, version.span, help=help))
        return cls

    def _values(self, name: str, cls: type[AnyStage], tree: Tree, recipe: Tree) -> Iterator[tuple[Field, Any]]:
        described = stage_type(cls)
        fields = {field.name: field for field in described.fields}
        given = {**self.report.part(recipe, "fields"), **self.report.part(tree, "execution")}
        inputs = self.report.part(recipe, "inputs")
        for key, item in given.items():
            field = fields.get(key)
            if field is None or field.role is Role.INPUT or key == "name":
                help = "it stands under `inputs`" if field and field.role is Role.INPUT else meant(key, fields)
                self.report.bad(f"`{cls.__name__}` has no field {key!r:.80}", item.key, help)
                continue
            yield field, self._value(f"{name}.{key}", item, field)
        for key, item in inputs.items():
            if key not in fields or fields[key].role is not Role.INPUT:
                help = meant(key, [field.name for field in described.inputs])
                self.report.bad(f"`{cls.__name__}` has no input {key!r:.80}", item.key, help)
        for field in described.fields:
            missing = field.name not in (inputs if field.role is Role.INPUT else given)
            if missing and field.default is attrs.NOTHING:
                self.report.bad(f"`{cls.__name__}` needs `{field.name}`, which `{name}` does not give", recipe.key, f"give `{field.name}`")
                yield field, None
            elif field.role is Role.INPUT:
                yield field, None  # given once all stages are there

    def _value(self, where: str, tree: Tree, field: Field) -> Any:
        data: Any = tree.plain
        whole = bool(tree.items or tree.members)
        if field.hint is Any:
            return field.default if field.default is not None and valued(data) == field.default else valued(data)
        try:
            value = structure(data, field.hint, what=where, as_written=True)
            # written out or left to its default, it is the same; the checks ask for the very object
            return field.default if _same(value, field.default) else value
        except BadFile as error:
            if whole:
                self.report.unusable(error.message, tree, "write its fields as the type has them, by name")
        except Exception as error:  # a hint that no data can be made into
            self.report.unusable(f"`{where}` cannot be read: {type(error).__name__}", tree)
        return data


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default, and spelled as it: 1 and 1.0 are equal and have other digests."""
    if type(value) is not type(default) or value != default:
        return False
    try:
        return canonical(value) == canonical(default)
    except NotCanonical:  # then no digest is taken of it
        return True
