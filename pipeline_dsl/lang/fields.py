"""The fields of a stage: which decide its result, which only say where it runs, which name its inputs."""

import types
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from pipeline_dsl.lang.artifact import Artifact, kind_name

T = TypeVar("T")
_MARK = "pdsl"


class Role(StrEnum):
    """What a field is for."""

    IDENTITY = "identity"
    """Changes the result: part of every digest."""
    EXECUTION = "execution"
    """Where and how fast it runs: part of none."""
    INPUT = "input"
    """Another stage, whose artifact is read."""


def execution(*, default: T) -> T:
    """A field that says where or how fast a stage runs, and so never enters a digest."""
    return attrs.field(default=default, metadata={_MARK: "execution"})


def held_out(*, default: Any = attrs.NOTHING) -> Any:
    """An input that is measured on and never learnt from: evaluation data may enter here."""
    return attrs.field(default=default, metadata={_MARK: "held_out"})


@attrs.frozen
class Range:
    """The values that a number may take; `None` is no bound, `open` leaves `low` itself out."""

    low: float | None = None
    high: float | None = None
    open: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` is in the range."""
        if self.low is not None and (value <= self.low if self.open else value < self.low):
            return False
        return self.high is None or value <= self.high

    def __str__(self) -> str:
        low = "" if self.low is None else f"{'above' if self.open else 'at least'} {self.low:g}"
        high = "" if self.high is None else f"at most {self.high:g}"
        return " and ".join(part for part in (low, high) if part)


Count = Annotated[int, Range(1)]
"""A whole number of at least one."""
Whole = Annotated[int, Range(0)]
"""A whole number of at least zero."""
Positive = Annotated[float, Range(0, open=True)]
NonNegative = Annotated[float, Range(0)]
Fraction = Annotated[float, Range(0, 1)]
"""A share, from 0 to 1."""


@attrs.frozen(eq=False)
class Field:
    """One field of a stage type, as the compiler sees it."""

    name: str
    role: Role
    hint: Any
    default: Any
    """`attrs.NOTHING` where a value must be given."""
    wanted: tuple[type[Artifact], ...] = ()
    """The artifact types that an input reads."""
    optional: bool = False
    held_out: bool = False
    range: Range | None = None
    choices: tuple[Any, ...] = ()
    kinds: tuple[type, ...] | None = None
    """The plain Python types that a value may have; None where only its structure says."""


@attrs.frozen(eq=False)
class StageType:
    """A class of stages, described once."""

    cls: type[Any]
    kind: str
    """`sft` for `Sft`: what names and manifests call it."""
    path: str
    """`module:Qualname`: where it is imported from."""
    produces: type[Artifact]
    fields: tuple[Field, ...]
    identity: tuple[Field, ...]
    """The fields that enter the digest as values."""
    composed: tuple[Field, ...]
    """Those of them that may hold more than a number or a text."""
    inputs: tuple[Field, ...]
    """The fields that name other stages."""


def describe(cls: type[Any], ref: type[Any]) -> StageType:
    """The description of a stage class; `ref` is the class of references, given to keep imports acyclic.

    Raises: TypeError if the class does not say what it produces, or an annotation cannot be resolved.
    """
    hints = get_type_hints(cls, include_extras=True)
    fields = tuple(_field(attribute, hints[attribute.name], ref) for attribute in attrs.fields(cls))
    identity = tuple(field for field in fields if field.role is Role.IDENTITY)
    inputs = tuple(field for field in fields if field.role is Role.INPUT)
    return StageType(
        cls=cls,
        kind=kind_name(cls),
        path=f"{cls.__module__}:{cls.__qualname__}",
        produces=_produces(cls, ref),
        fields=fields,
        identity=identity,
        composed=tuple(field for field in identity if not field.kinds or not _ATOMS.issuperset(field.kinds)),
        inputs=inputs,
    )


_ATOMS = frozenset({str, int, float, bool, type(None)})


def _field(attribute: Any, hint: Any, ref: type[Any]) -> Field:
    mark = attribute.metadata.get(_MARK)
    default = attribute.default
    wanted = _wanted(hint, ref)
    if wanted:
        optional = type(None) in get_args(hint)
        return Field(attribute.name, Role.INPUT, hint, default, wanted, optional, mark == "held_out")
    role = Role.EXECUTION if mark == "execution" else Role.IDENTITY
    bare, bounds = _unwrap(hint)
    return Field(attribute.name, role, hint, default, range=bounds, choices=_choices(bare), kinds=_kinds(bare))


def _unwrap(hint: Any) -> tuple[Any, Range | None]:
    """A hint without `Annotated` and NewType wrappers, and the range it carried, also through `X | None`."""
    bounds: Range | None = None
    if get_origin(hint) in (Union, types.UnionType):
        arms = [_unwrap(arm) for arm in get_args(hint)]
        bounds = next((found for _, found in arms if found), None)
        return Union[tuple(arm for arm, _ in arms)], bounds  # noqa: UP007
    if get_origin(hint) is Annotated:
        bounds = next((item for item in hint.__metadata__ if isinstance(item, Range)), None)
        hint = hint.__origin__
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint, bounds


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _kinds(hint: Any) -> tuple[type, ...] | None:
    arms = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    found: list[type] = []
    for arm in arms:
        arm = get_origin(arm) or arm
        if arm is Literal or not isinstance(arm, type):
            return None
        found.extend((float, int) if arm is float else (arm,))
    return tuple(found)


def _wanted(hint: Any, ref: type[Any]) -> tuple[type[Artifact], ...]:
    """The artifact types inside `Ref[...]`, wherever in the hint it stands; empty if there is no reference."""
    if isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, ref):
        return (Artifact,)
    origin = get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, ref):
        argument = get_args(hint)[0]
        arms = get_args(argument) if get_origin(argument) in (Union, types.UnionType) else (argument,)
        return tuple(arm for arm in arms if isinstance(arm, type) and issubclass(arm, Artifact)) or (Artifact,)
    return tuple(dict.fromkeys(kind for argument in get_args(hint) for kind in _wanted(argument, ref)))


def _produces(cls: type[Any], ref: type[Any]) -> type[Artifact]:
    for base in cls.__mro__:
        for parent in getattr(base, "__orig_bases__", ()):
            origin = get_origin(parent)
            if isinstance(origin, type) and issubclass(origin, ref):
                argument = get_args(parent)[0]
                if isinstance(argument, type) and issubclass(argument, Artifact):
                    return argument
    raise TypeError(f"{cls.__name__} does not say what it makes: write `class {cls.__name__}(Stage[SomeArtifact])`")
