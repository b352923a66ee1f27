"""From a manifest's tree to the declarations that it stands for: stages of installed types, gates, a pipeline, each with its place."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.canonical import canonical
from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.fault import BadFile
from pipeline_dsl.base.span import Mark, Span
from pipeline_dsl.compiler.described import ARTIFACTS, OURS, Signature, Told, type_of, valued
from pipeline_dsl.compiler.load import Loaded
from pipeline_dsl.compiler.reading import BadFields
from pipeline_dsl.compiler.review import gates, installed
from pipeline_dsl.compiler.review.findings import FieldUnknown, StageAbsent, TypeOfOtherVersion, TypeTold, TypeUnknown
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.budget import Budget
from pipeline_dsl.lang.device import CPU_CORE, DEVICES, Device
from pipeline_dsl.lang.fields import Field, Role
from pipeline_dsl.lang.gate import Metric
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.label import TERMS
from pipeline_dsl.lang.pipeline import Pipeline, Release
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size
from pipeline_dsl.lang.stage import Stage, stage_type
from pipeline_dsl.plan.plan import leaves
from pipeline_dsl.store.manifest import Manifest, StageEntry

AnyStage = Stage[Any]

TOP = frozenset({*(field.name for field in attrs.fields(Manifest)), "on", "rollback"})
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


@attrs.frozen
class Declared:
    """A manifest as declarations. `loaded` is None where too little of it can be read to be compiled."""

    loaded: Loaded | None
    stages: Mapping[str, AnyStage]
    told: frozenset[str]
    """The stages that are judged by what the manifest says of their types."""


def declare(root: Tree, file: str, types: installed.Types, found: list[Diagnostic]) -> Declared:
    """The declarations that a manifest stands for; what cannot be one is added to `found`."""
    return _Reader(root, file, types, found).declared()


def unknown(tree: Tree, names: Iterable[str], what: str, found: list[Diagnostic]) -> None:
    """Report the members of a mapping that nothing reads."""
    names = list(names)
    for name, item in tree.items.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            help = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(sorted(names))}"
            found.append(FieldUnknown.finding(f"{what} has no {name!r:.80}", item.key, help=help))


class _Reader:
    def __init__(self, root: Tree, file: str, types: installed.Types, found: list[Diagnostic]) -> None:
        self.root, self.file, self.types, self.found = root, file, types, found
        self.stages: dict[str, AnyStage] = {}
        self.told: set[str] = set()
        self.sound = True

    def declared(self) -> Declared:
        unknown(self.root, TOP, "a manifest", self.found)
        stages = self.root.items.get("stages")
        if stages is None or not stages.items:
            self._amiss("a manifest has `stages`, a mapping from names to stages", stages or self.root)
            return Declared(None, {}, frozenset())
        default = self._hardware(self.root.items.get("on"), None)
        for name, tree in stages.items.items():
            stage = self._stage(name, tree, default)
            if stage is not None:
                self.stages[name] = stage
        for name, tree in stages.items.items():
            if name in self.stages:
                self._connect(name, tree)
        pipeline = self._pipeline(default)
        loaded = Loaded(pipeline, (), self.file, "") if self.sound and pipeline else None
        return Declared(loaded, self.stages, frozenset(self.told))

    def _amiss(self, message: str, at: Tree, help: str = "") -> None:
        """A finding that keeps the whole from being compiled."""
        self.found.append(FieldUnknown.finding(message, at.key, help=help))
        self.sound = False

    # One stage.

    def _stage(self, name: str, tree: Tree, default: Hardware) -> AnyStage | None:
        unknown(tree, ENTRY, f"stage `{name}`", self.found)
        recipe = tree.items.get("recipe")
        if recipe is None or not recipe.items:
            self._amiss(f"stage `{name}` has no `recipe` with its type, fields and inputs", tree)
            return None
        unknown(recipe, RECIPE, f"the recipe of `{name}`", self.found)
        cls = self._type(name, tree, recipe)
        if cls is None:
            self.sound = False
            return None
        values = {field.name: value for field, value in self._values(name, cls, tree, recipe)}
        place = self._hardware(tree.items.get("on"), tree.items.get("hardware"), default)
        try:
            given: dict[str, Any] = {"name": name, "on": place, **values}
            stage = cls(**given)
        except (TypeError, ValueError) as error:
            self._amiss(f"stage `{name}` cannot be declared: {error}", recipe)
            return None
        parts = {"name": tree.key, "on": (tree.items.get("on") or tree).key}
        given = {**self._part(recipe, "fields"), **self._part(recipe, "inputs"), **self._part(tree, "execution")}
        # what is written as the type's own default counts as left to it, here as in a pipeline file
        own = [field for field in stage_type(cls).fields if field.role is not Role.INPUT]
        left = {field.name for field in own if field.name in values and values[field.name] is field.default}
        parts |= {key: item.span for key, item in given.items() if key not in left}
        object.__setattr__(stage, "_declared", (len(self.stages), Place(tree.key, parts)))
        return stage

    def _type(self, name: str, tree: Tree, recipe: Tree) -> type[AnyStage] | None:
        said = recipe.items.get("type")
        if said is None or not isinstance(said.value, str):
            self.found.append(FieldUnknown.finding(f"the recipe of `{name}` names no type", (said or recipe).key))
            return None
        cls = installed.find(self.types, said.value)
        if cls is None:
            return self._described(name, said.value, tree, recipe)
        version = recipe.items.get("version")
        if version is not None and version.value != cls.version:
            text = f"`{name}` was written for version {version.text} of {cls.__name__}; the one that is installed is {cls.version}"
            help = "review it with the pdsl that it was written for, or write it anew"
            self.found.append(TypeOfOtherVersion.finding(text, version.span, help=help))
        return cls

    def _described(self, name: str, said: str, tree: Tree, recipe: Tree) -> type[AnyStage] | None:
        """A type that is not installed, by what the manifest declares of it."""
        at, near = recipe.items["type"].span, installed.close(self.types, said)
        meant = f"did you mean `{near}`? " if near else ""
        declares = tree.items.get("declares")
        if not _path(said) or said.startswith(OURS) or declares is None:
            help = f"{meant}name the module that declares it with `--types`, or let `pdsl plan --manifest` write what it declares"
            self.found.append(TypeUnknown.finding(f"`{name}` is of a type that is not installed: {said!r:.120}", at, help=help))
            return None
        signature = self._signature(name, said, declares, tree, recipe)
        if signature is None:
            return None
        self.told.add(name)
        help = "name its module with `--types` to judge it by its own code"
        if not said.startswith("short:") and not any(code.code == TypeTold.code and said in code.message for code in self.found):
            text = f"`{said}` is not installed: it is judged by what the manifest says of it"
            self.found.append(TypeTold.finding(text, at, help=help))
        seconds = _number(_within(tree, "estimate", "seconds"))
        return type_of(signature, declares.plain, seconds or _number(tree.items.get("wall_clock_sec")) or 0.0)

    def _signature(self, name: str, said: str, declares: Tree, tree: Tree, recipe: Tree) -> Signature | None:
        unknown(declares, _DECLARES, f"what `{name}` declares", self.found)
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
        written = {**self._part(recipe, "fields"), **self._part(tree, "execution")}
        fields = {field: valued(item.plain) if field in defaults else None for field, item in written.items()}
        flaws += [
            (recipe, f"`{field}` is no name for a field") for field in (*fields, *inputs) if not _field(field) or hasattr(Told, field)
        ]
        for at, text in flaws:
            self._amiss(f"what `{name}` declares cannot be used: {text}", at, "let `pdsl plan TARGET --manifest FILE` write it")
        if flaws or made is None:
            return None
        version = recipe.items.get("version")
        number = version.value if version is not None and isinstance(version.value, int) else 1
        return Signature(path=said, version=number, produces=ARTIFACTS[made.text or ""], inputs=inputs, fields=fields)

    def _part(self, recipe: Tree, name: str) -> dict[str, Tree]:
        part = recipe.items.get(name)
        if part is not None and part.value is not None and not isinstance(part.value, dict):
            self._amiss(f"`{name}` is a mapping", part)
        return part.items if part else {}

    def _values(self, name: str, cls: type[AnyStage], tree: Tree, recipe: Tree) -> Iterator[tuple[Field, Any]]:
        described = stage_type(cls)
        fields = {field.name: field for field in described.fields}
        given = {**self._part(recipe, "fields"), **self._part(tree, "execution")}
        inputs = self._part(recipe, "inputs")
        for key, item in given.items():
            field = fields.get(key)
            if field is None or field.role is Role.INPUT or key == "name":
                near = difflib.get_close_matches(key, fields, n=1)
                help = "it stands under `inputs`" if field and field.role is Role.INPUT else f"did you mean `{near[0]}`?" if near else ""
                self._bad(f"`{cls.__name__}` has no field {key!r:.80}", item.key, help)
                continue
            yield field, self._value(f"{name}.{key}", item, field)
        for key, item in inputs.items():
            if key not in fields or fields[key].role is not Role.INPUT:
                near = difflib.get_close_matches(key, [field.name for field in described.inputs], n=1)
                self._bad(f"`{cls.__name__}` has no input {key!r:.80}", item.key, f"did you mean `{near[0]}`?" if near else "")
        for field in described.fields:
            missing = field.name not in (inputs if field.role is Role.INPUT else given)
            if missing and field.default is attrs.NOTHING:
                self._bad(f"`{cls.__name__}` needs `{field.name}`, which `{name}` does not give", recipe.key, f"give `{field.name}`")
                yield field, None
            elif field.role is Role.INPUT:
                yield field, None  # given once all stages are there

    def _bad(self, message: str, at: Span, help: str) -> None:
        self.found.append(BadFields.finding(message, at, help=help))
        self.sound = False

    def _value(self, where: str, tree: Tree, field: Field) -> Any:
        data: Any = tree.plain
        whole = bool(tree.items or tree.members)
        if field.hint is Any:
            return field.default if field.default is not None and valued(data) == field.default else valued(data)
        try:
            value = structure(data, field.hint, what=where, as_written=True)
            # written out or left to its default, it is the same; the checks ask for the very object
            same = type(value) is type(field.default) and value == field.default and canonical(value) == canonical(field.default)
            return field.default if same else value
        except BadFile as error:
            if whole:
                self._amiss(error.message, tree, "write its fields as the type has them, by name")
        except Exception as error:  # a hint that no data can be made into
            self._amiss(f"`{where}` cannot be read: {type(error).__name__}", tree)
        return data

    def _connect(self, name: str, tree: Tree) -> None:
        """Give a stage its inputs, which may come later in the file."""
        stage = self.stages[name]
        for field, item in self._part(tree.items["recipe"], "inputs").items():
            shape, absent = item.plain, False
            for leaf in [item] if not isinstance(item.value, dict | list) else [*item.items.values(), *item.members]:
                if leaf.value is not None and (not isinstance(leaf.value, str) or leaf.text not in self.stages):
                    known = self.root.items["stages"].items
                    absent = True
                    if str(leaf.text) not in known:
                        near = difflib.get_close_matches(str(leaf.text), known, n=1)
                        help = f"did you mean `{near[0]}`?" if near else "name a stage of this manifest"
                        text = f"`{name}.{field}` reads {leaf.text or str(leaf.plain):.80}, which the manifest does not have"
                        self.found.append(StageAbsent.finding(text, leaf.span, help=help))
            if absent:
                self.sound = False
                continue
            object.__setattr__(stage, field, _made(shape, self.stages))
        whole = stage.divides() if isinstance(stage, Told) else None
        if isinstance(stage, Told) and whole in self.stages:
            stage.take_part_of(self.stages[whole])
        elif whole is not None:
            at = tree.items["declares"].items["division"].key
            self.found.append(StageAbsent.finding(f"`{name}` divides `{whole:.80}`, which the manifest does not have", at))

    # Where it runs.

    def _hardware(self, said: Tree | None, ran: Tree | None, default: Hardware | None = None) -> Hardware:
        if said is not None and said.value is not None:
            return self._described_hardware(said) or Hardware(device=CPU_CORE)
        match = _RAN(ran.value) if ran is not None and isinstance(ran.value, str) else None
        if match and match["device"] in DEVICES:
            return Hardware(device=DEVICES[match["device"]], count=int(match["count"]))
        return default or Hardware(device=CPU_CORE)

    def _described_hardware(self, said: Tree) -> Hardware | None:
        if not isinstance(said.value, dict):
            self._amiss("`on` is a mapping: {device: H100-SXM, count: 8, nodes: 2}", said)
            return None
        device = said.items.get("device")
        known = self._catalogued(device, said) if device is None or not isinstance(device.value, dict) else self._own_device(device)
        given = self._figures(said, Hardware, "on")
        return None if known is None or given is None else Hardware(device=known, **given)

    def _catalogued(self, device: Tree | None, said: Tree) -> Device | None:
        found = DEVICES.get(device.value) if device is not None and isinstance(device.value, str) else None
        if found is None:
            name = device.text or "" if device is not None else ""
            near = difflib.get_close_matches(name, DEVICES, n=1)
            help = f"did you mean {near[0]}?" if near else f"the catalogue has {', '.join(DEVICES)}"
            self._amiss(f"no device is called {name!r:.80}" if device else "`on` names no device", device or said, help)
        return found

    def _own_device(self, said: Tree) -> Device | None:
        """A device that the catalogue does not have, as the manifest describes it."""
        given = self._figures(said, Device, "a device")
        texts = {name: said.items[name].text or "" for name in ("name", "price_date", "price_source") if name in said.items}
        missing = {"name", "bf16", "memory"} - {*texts, *(given or ())}
        if missing:
            self._amiss(f"this device does not say its {', '.join(sorted(missing))}", said)
        if given is None or missing:
            return None
        whole: dict[str, Any] = {"price": None, "price_date": "", "price_source": "", **given, **texts}
        return Device(**whole)

    def _figures(self, said: Tree, cls: type[Any], what: str) -> dict[str, Any] | None:
        """The numbers of a description; None if one of them is none."""
        names = [field.name for field in attrs.fields(cls)]
        unknown(said, names, what, self.found)
        given: dict[str, Any] = {}
        for name, tree in said.items.items():
            if name in ("device", "name", "price_date", "price_source") or name not in names:
                continue
            whole = name in ("count", "nodes", "domain", "memory")
            value: Any = tuple(tree.plain) if name == "price_range" and isinstance(tree.value, list) else tree.value
            numeric = isinstance(value, int if whole else int | float) and (not isinstance(value, bool) or name == "accelerator")
            if value is not None and not (numeric or name == "price_range"):
                self._amiss(f"`{name}` is {'a whole number' if whole else 'a number'}, not {tree.text or tree.plain!s:.40}", tree)
                return None
            given[name] = value
        return {name: value for name, value in given.items() if value is not None or name == "price"}

    # The whole.

    def _pipeline(self, default: Hardware) -> Pipeline | None:
        top = self.root.items
        budget = self._budget(top.get("budget"))
        read = {
            item
            for stage in self.stages.values()
            for field in stage_type(type(stage)).inputs
            for item in leaves(getattr(stage, field.name))
        }
        of = {" ".join(text.split()): tree.text or "" for text, tree in (top["gate_stages"].items if "gate_stages" in top else {}).items()}
        entries = tuple(gates.read(top.get("gates"), of, self.stages, self.found))
        use, seed = top.get("use"), top.get("seed")
        name, version = top.get("pipeline"), top.get("pipeline_version")
        if name is None or not isinstance(name.text, str):
            self._amiss("a manifest names its `pipeline`", name or self.root)
        for field, kind in (("seed", int), ("use", str | None)):
            if (given := top.get(field)) is not None and not isinstance(given.value, kind):
                self._amiss(f"`{field}` is {given.text!r:.40}", given)
        pipeline = Pipeline(
            name=(name.text if name else None) or "",
            version=(version.text if version else None) or "0.1.0",
            seed=seed.value if seed is not None and seed.value is not None else 0,
            targets=tuple(stage for stage in self.stages.values() if stage not in read),
            ships=self._named("ships", top.get("ships")),
            gates=entries,
            baseline=self._baseline(top.get("baseline")),
            budget=budget,
            on=default,
            use=use.value if use is not None else None,
        )
        parts = {field: top[given].span for field, given in _WRITTEN.items() if given in top}
        whole = (name or self.root).key
        object.__setattr__(pipeline, "mark", Place(whole, parts))
        return pipeline

    def _budget(self, said: Tree | None) -> Budget:
        if said is None or said.value is None:
            return Budget()
        if not isinstance(said.value, dict):
            self._amiss("`budget` is a mapping: {usd: 50000, kl: 25}", said)
            return Budget()
        unknown(said, ("usd", "kl"), "a budget", self.found)
        return Budget(**{name: tree.value for name, tree in said.items.items() if name in ("usd", "kl")})

    def _named(self, what: str, said: Tree | None) -> AnyStage | None:
        if said is None or said.value is None:
            return None
        stage = self.stages.get(said.text or "")
        if stage is None and (said.text or "") not in self.root.items["stages"].items:
            self.found.append(
                StageAbsent.finding(
                    f"`{what}` is `{said.text or said.plain!s:.80}`, which the manifest does not have",
                    said.span,
                    help="name one of its stages",
                )
            )
        return stage

    def _baseline(self, said: Tree | None) -> Any:
        if said is None or said.value is None:
            return None
        if isinstance(said.value, str):
            return self.stages.get(said.value) or Release(manifest=said.value)
        unknown(said, ("stage", "manifest"), "a baseline", self.found)
        stage, manifest = said.items.get("stage"), said.items.get("manifest")
        if stage is not None and stage.value is not None:
            return self._named("baseline", stage)
        return Release(manifest=str(manifest.value)) if manifest is not None and manifest.value is not None else None


def _field(name: str) -> bool:
    """Whether a text can be the name of a field."""
    return name.isidentifier() and name[0] != "_"


_RAN = re.compile(r"(?P<count>[1-9]\d{0,6}) x (?P<device>[\w-]+)(?: \(.*\))?").fullmatch
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
_WRITTEN = {"name": "pipeline", "version": "pipeline_version", "targets": "stages"} | {
    name: name for name in ("seed", "ships", "gates", "baseline", "budget", "on", "use")
}


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


def _made(shape: Any, stages: Mapping[str, AnyStage]) -> Any:
    if isinstance(shape, dict):
        return {key: stages[name] if name is not None else None for key, name in cast("dict[str, str | None]", shape).items()}
    if isinstance(shape, list):
        return tuple(stages[name] if name is not None else None for name in cast("list[str | None]", shape))
    return None if shape is None else stages[shape]


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
