"""A stage type by what a plan and a manifest say of it, so that whoever does not have its code can judge it all the same.

Types that come with pdsl are known by name; of all others, what they told the compiler is written down: what they make and read,
how large it is, what data it is, what they measure. `declares` writes that, `type_of` reads it and makes a stage type of it that
answers the same and can do nothing else.
"""

import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Union, cast

import attrs

from pipeline_dsl.base.canonical import TAG, NotCanonical, plain
from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import BadFile
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import answered
from pipeline_dsl.lang import artifacts
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.fields import Field, held_out
from pipeline_dsl.lang.gate import Metric
from pipeline_dsl.lang.label import Division, Kind, Label
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref, Stage, stage_type
from pipeline_dsl.lang.workspace import Workspace

OURS = "pipeline_dsl."
"""How the modules of the types that come with pdsl begin."""

ARTIFACTS: dict[str, type[Artifact]] = {
    name: value for name, value in vars(artifacts).items() if isinstance(value, type) and issubclass(value, Artifact)
}
"""The artifact types that everybody has, by name."""

SPOKEN = (
    *("deduplicates", "special_tokens", "chat_template", "vocabulary", "retokenizes", "runtime", "runtimes", "dimensions"),
    *("max_length", "max_model_len", "prompt_limit", "output_limit", "chat"),
)
"""What the checks ask a stage for by name (`passes/contracts.py`), which a type may answer by a class variable or a property."""


def declares(stage: AnyStage, size: Size, placement: Placement | None, names: Mapping[AnyStage, str]) -> dict[str, Any]:
    """What a stage of a type that others may not have tells the compiler; nothing for the types that come with pdsl."""
    cls = type(stage)
    if cls.__module__.startswith(OURS):
        return {}
    said: dict[str, Any] = {**_of_type(cls), "size": _set(size)}
    if stage.holds_evaluation_data():
        said["evaluation"] = True
    if placement is not None:
        said["placement"] = plain(placement)
    said["labels"] = [{"kind": label.kind, "said": label.said} for label in stage.labels() if label.kind != "evaluation"]
    said["clears"] = sorted(stage.clears())
    said["measures"] = [item if isinstance(item, str) else _set(item) for item in stage.measures()]
    division = stage.division()
    if division is not None and division.whole in names:
        said["division"] = {"whole": names[division.whole], "part": division.part, "rule": repr(division.rule)}
    fields = {field.name for field in stage_type(cls).fields}
    said["defaults"] = [field.name for field in stage_type(cls).identity if _is_default(field, getattr(stage, field.name))]
    for name in SPOKEN:
        if name not in fields and (value := _plainly(stage, name)) is not None:
            said.setdefault("attributes", {})[name] = value
    return {name: value for name, value in said.items() if value not in ([], {})}


@cache
def _of_type(cls: type[AnyStage]) -> dict[str, Any]:
    described = stage_type(cls)
    inputs = {
        field.name: {
            "reads": [known(kind).__name__ for kind in field.wanted],
            **({"held_out": True} if field.held_out else {}),
            **({"optional": True} if field.optional else {}),
        }
        for field in described.inputs
    }
    flags = dict.fromkeys((name for name in ("aligns", "movable") if getattr(cls, name) is True), True)
    if not cls.aligns and any("aligns" in vars(base) for base in cls.__mro__[: cls.__mro__.index(Stage)]):
        flags["aligns"] = False  # which it would else be asked whether it does
    return {"produces": known(described.produces).__name__, "inputs": inputs, **flags}


def known(kind: type[Artifact]) -> type[Artifact]:
    """An artifact type that everybody has: the type itself, or the nearest of those that it is derived from."""
    return next((base for base in kind.__mro__ if ARTIFACTS.get(base.__name__) is base), Artifact)


def _is_default(field: Field, value: Any) -> bool:
    """Whether a plain field was left to its default, or written as that: the checks do not tell these apart."""
    return type(value) in (int, float, str, bool) and type(value) is type(field.default) and value == field.default


def _set(value: Any) -> dict[str, Any]:
    """The fields of an attrs value that are given, as plain data."""
    return {name: given for name, given in plain(value).items() if given is not None and given != {} and name != "$type"}


def _plainly(stage: AnyStage, name: str) -> Any:
    """What a stage answers to a name, if that is plain."""
    try:
        value = plain(answered(stage, name))
    except NotCanonical:
        return None
    return value if type(value) in (str, int, float, bool, list) else None


class Told(Stage[Any]):
    """A stage that answers what a manifest says."""

    _told: ClassVar[Mapping[str, Any]] = {}
    _seconds: ClassVar[float] = 0.0
    _whole: ClassVar[list[AnyStage]]

    def divides(self) -> str | None:
        """The name of the stage whose artifact it takes a part of."""
        said = self._told.get("division")
        return said["whole"] if said else None

    def take_part_of(self, stage: AnyStage) -> None:
        """That stage, once it is declared."""
        self._whole.append(stage)

    def holds_evaluation_data(self) -> bool:
        return self._told.get("evaluation") is True

    def labels(self) -> Iterable[Label]:
        if self.holds_evaluation_data():
            yield Label("evaluation")
        for label in self._told.get("labels", ()):
            yield Label(label["kind"], label.get("said", ""))

    def clears(self) -> tuple[Kind, ...]:
        return tuple(self._told.get("clears", ()))

    def division(self) -> Division | None:
        said = self._told.get("division")
        return Division(self._whole[0], said["part"], said["rule"]) if said and self._whole else None

    def size(self, sizes: Sizes) -> Size:
        return structure(self._told.get("size", {}), Size, what="size")

    def placement(self, sizes: Sizes) -> Placement | None:
        said = self._told.get("placement")
        return structure(said, cast("type[Placement]", Placement), what="placement") if said else None

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(self._seconds), unknown=self._told.get("unknown", ""))

    def measures(self) -> Iterator[str | Metric]:
        for item in self._told.get("measures", ()):
            yield item if isinstance(item, str) else structure(item, Metric, what="metric")

    def run(self, work: Workspace) -> Artifact:
        """It is here to be judged."""
        raise NotImplementedError


def valued(data: Any) -> Any:
    """Plain data as the values that the checks look for in fields: sequences, and descriptions of models and tasks."""
    if isinstance(data, list):
        return tuple(valued(item) for item in cast("list[Any]", data))
    kind = _values().get(str(cast("dict[str, Any]", data).get(TAG))) if isinstance(data, dict) else None
    try:
        return cast("Any", data) if kind is None else structure(data, kind, what="a value", as_written=True)
    except BadFile:  # it only shares its name
        return cast("Any", data)


@cache
def _values() -> dict[str, type[Any]]:
    from pipeline_dsl.stages.evaluate import Task  # with all other stage types, which a pipeline of one's own may do without

    return {kind.__name__: kind for kind in (Llama, Parallel, Task)}


@attrs.frozen(kw_only=True)
class Signature:
    """The shape of a type that is told: what it makes, what each input reads, and the names of its other fields."""

    path: str
    version: int
    produces: type[Artifact]
    inputs: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Any]
    """With the default of each: the value itself where that is what the type has."""


def type_of(signature: Signature, told: Mapping[str, Any], seconds: float) -> type[AnyStage]:
    """A stage type that answers what it is told to; its name is a label, and nothing is imported by it."""
    module, _, name = signature.path.partition(":")
    promise: Any = Ref
    annotations: dict[str, Any] = dict.fromkeys(signature.fields, Any)
    defaults: dict[str, Any] = dict(signature.fields)
    for field, said in signature.inputs.items():
        reads: Any = Union[tuple(ARTIFACTS[kind] for kind in said["reads"])]  # noqa: UP007 - its members are values here
        one: Any = promise[reads]
        annotations[field] = (
            one | tuple[one, ...] | dict[str, one] | None if said.get("optional") else one | tuple[one, ...] | dict[str, one]
        )
        defaults[field] = held_out(default=None) if said.get("held_out") else None
    flags = {"movable": told.get("movable") is True} | ({"aligns": told["aligns"] is True} if "aligns" in told else {})
    spoken = {
        key: tuple(cast("list[Any]", value)) if isinstance(value, list) else value for key, value in told.get("attributes", {}).items()
    }
    own = {key: value for key, value in spoken.items() if key in SPOKEN and key not in annotations}
    body: dict[str, Any] = {
        **own,
        **defaults,
        "__annotations__": annotations,
        "__module__": module,
        "__qualname__": name,
        "__doc__": "A stage type that a manifest describes.",
        **flags,
        "version": signature.version,
        "_told": dict(told),
        "_seconds": seconds,
        "_whole": [],
    }
    base: Any = Told
    generic: Any = Stage
    parent: Any = generic[signature.produces]
    made: type[Any] = types.new_class(name.rpartition(".")[2] or "Told", (base, parent), exec_body=lambda space: space.update(body))
    return made
