"""Whether a value is what its annotation says, down to the items of a tuple and the fields of a value's own fields."""

import math
import types
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from pipeline_dsl.lang.fields import Field, Range, Role
from pipeline_dsl.lang.stage import Ref, Stage, stage_type

Kind = Literal["type", "range"]


@attrs.frozen
class Misfit:
    """Where a value does not fit, as `[2]` or `.heads` inside a field, in which way, and what would."""

    kind: Kind
    path: str
    text: str
    help: str = ""


def misfits(stage: Stage[Any], kind: Kind) -> Iterator[tuple[Field, Misfit]]:
    """The fields of a stage whose values are of another type than declared, or outside of their range."""
    values = stage.__dict__
    for field, name, default, atoms in _typed(type(stage)) if kind == "type" else _bounded(type(stage)):
        value: Any = values[name]
        if value is default:
            continue
        given = cast("type[Any]", type(value))
        if given in atoms and (kind == "type" or given not in _NUMBERS or (fits(value) and (not field.range or field.range.holds(value)))):
            continue
        if field.choices and _among(value, field.choices):
            continue
        try:
            yield from [(field, misfit) for misfit in walk(value, field.hint) if misfit.kind == kind]
        except RecursionError:
            if kind == "type":
                yield field, Misfit("type", "", "is nested too deeply, or holds itself")


def sound(stage: Stage[Any]) -> bool:
    """Whether every value of a stage is what its annotation says."""
    return not any(misfits(stage, "type")) and not any(misfits(stage, "range"))


def fits(value: float) -> bool:
    """Whether a number is finite, and a whole one fits into 64 bits."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else math.isfinite(value)


def finite(value: object) -> bool:
    """Whether a value is a number, and `fits`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and fits(value)


_NUMBERS = frozenset({int, float})
_ATOMS = frozenset({str, int, float, bool, type(None)})


_Typed = tuple[Field, str, object, frozenset[type]]
"""A field and its name; its default, if that fits; the plain types that need no second look."""

_NO_DEFAULT = object()


@cache
def _typed(cls: type[Stage[Any]]) -> tuple[_Typed, ...]:
    """The fields that hold values. What is asked of each stage is looked up once a class."""
    fields = [field for field in stage_type(cls).fields if field.role is not Role.INPUT]
    atoms = {field: _atoms(field.hint) for field in fields}
    return tuple(
        (field, field.name, field.default if _default_fits(field, atoms[field]) else _NO_DEFAULT, atoms[field]) for field in fields
    )


def _atoms(hint: Any) -> frozenset[type]:
    """The plain types that an annotation allows."""
    arms = [_bare(arm) for arm in _arms(_bare(hint))]
    found = {kind for kind in _ATOMS if any(arm is kind for arm in arms)}
    return frozenset(found | {int} if float in found else found)


@cache
def _bounded(cls: type[Stage[Any]]) -> tuple[_Typed, ...]:
    """The fields whose annotation bounds a value, or may bound a part of it."""
    return tuple(typed for typed in _typed(cls) if int in typed[3] or _bounds(typed[0].hint))


def _bounds(hint: Any) -> bool:
    """Whether an annotation bounds a value or a part of it; a class that is not plain may, in its own fields."""
    if get_origin(hint) is Annotated and any(isinstance(item, Range) for item in hint.__metadata__):
        return True
    hint = _bare(hint)
    if get_origin(hint) is Literal:
        return True
    return any(map(_bounds, get_args(hint))) if get_args(hint) else isinstance(hint, type) and hint not in _ATOMS


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _bare(hint: Any) -> Any:
    """A hint without `Annotated` and NewType wrappers."""
    while get_origin(hint) is Annotated or hasattr(hint, "__supertype__"):
        hint = hint.__origin__ if get_origin(hint) is Annotated else hint.__supertype__
    return hint


def walk(value: Any, hint: Any, path: str = "") -> Iterator[Misfit]:
    """How `value`, which lies at `path`, does not fit a hint; nothing for hints that say too little to be judged."""
    if get_origin(hint) is Annotated:
        inner = list(walk(value, hint.__origin__, path))
        yield from inner
        if not inner and isinstance(value, int | float):
            bounds = (item for item in hint.__metadata__ if isinstance(item, Range))
            for bound in bounds:
                if not bound.holds(value):
                    yield Misfit("range", path, f"is {_figure(value)}; it must be {bound}", _nearest(value, bound))
        return
    hint = _bare(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(value, Ref):
        yield Misfit("type", path, "holds a stage, which nothing would know of", "annotate the field with `Ref[...]`")
    elif type(value) is int and not fits(value):
        yield Misfit("range", path, f"is {_figure(value)}, which 64 bits do not hold")
    elif len(_arms(hint)) > 1:
        yield from _any_of(value, _arms(hint), path)
    elif origin is Literal:
        if not _among(value, arguments):
            import difflib  # nothing that a sound pipeline needs

            close = difflib.get_close_matches(str(value), [str(choice) for choice in arguments], n=1)
            choices = f"is {value!r}; it is one of " + ", ".join(map(repr, arguments))
            yield Misfit("range", path, choices, f"did you mean {close[0]!r}?" if close else "")
    elif not _is(value, origin or hint):
        yield Misfit("type", path, f"is {_name(hint)}, not {type(value).__name__}", _advice(value, (hint,)))
    elif isinstance(value, list | tuple):
        yield from _items(cast("list[Any]", value), origin, arguments, path)
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield from walk(item, arguments[1] if len(arguments) == 2 else Any, f"{path}[{key!r}]")
    else:
        yield from _inside(value, path)


def _default_fits(field: Field, atoms: frozenset[type]) -> bool:
    """Whether a field has a default that fits, and that is not so plain that looking at it is as quick as comparing it."""
    if field.default is attrs.NOTHING or type(field.default) in atoms:
        return False
    try:
        return not any(walk(field.default, field.hint))
    except RecursionError:
        return False


def _among(value: Any, choices: tuple[Any, ...]) -> bool:
    return any(type(value) is type(choice) and value == choice for choice in choices)


def _any_of(value: Any, arms: tuple[Any, ...], path: str) -> Iterator[Misfit]:
    """What keeps a value from being one of several: the faults inside the arm that it is shaped as, if there is one."""
    tried = [list(walk(value, arm, path)) for arm in arms]
    if any(not found for found in tried):
        return
    shaped = next((found for found in tried if not any(misfit.kind == "type" and misfit.path == path for misfit in found)), None)
    if shaped is not None:
        yield from shaped
        return
    yield Misfit("type", path, f"is {' or '.join(map(_name, arms))}, not {type(value).__name__}", _advice(value, arms))


def _inside(value: object, path: str) -> Iterator[Misfit]:
    for name, hint, atoms, bounds in _parts(type(value)):
        part: Any = getattr(value, name)
        given = cast("type[Any]", type(part))
        # most parts are plain numbers, and large pipelines have many: those are not walked into
        if given not in atoms or (given in _NUMBERS and not (fits(part) and all(bound.holds(part) for bound in bounds))):
            yield from walk(part, hint, f"{path}.{name}")


def _items(value: list[Any] | tuple[Any, ...], origin: Any, arguments: tuple[Any, ...], path: str) -> Iterator[Misfit]:
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        if arguments and len(value) != len(arguments):
            yield Misfit("type", path, f"holds {len(arguments)} values, not {len(value)}")
            return
        hints = arguments
    else:
        hints = (arguments[:1] or (Any,)) * len(value)
    for index, (item, hint) in enumerate(zip(value, hints, strict=False)):
        if type(item) is not hint or not _ATOMS.issuperset((hint,)):
            yield from walk(item, hint, f"{path}[{index}]")


@cache
def _parts(cls: type[Any]) -> tuple[tuple[str, Any, frozenset[type], tuple[Range, ...]], ...]:
    """The name and annotation of each of an attrs class's own values, the plain types that it allows and the ranges of numbers.

    None of any other class, or where annotations cannot be evaluated, and so say nothing.
    """
    if not attrs.has(cls):
        return ()
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception:  # an annotation is code, and may raise whatever code may
        return ()
    own = [(field.name, hints[field.name]) for field in attrs.fields(cls) if field.name in hints and field.init]
    return tuple((name, hint, _atoms(hint), tuple(_ranges(hint))) for name, hint in own)


def _ranges(hint: Any) -> Iterator[Range]:
    """Every range that an annotation of a plain value names."""
    for arm in _arms(hint):
        if get_origin(arm) is Annotated:
            yield from (item for item in arm.__metadata__ if isinstance(item, Range))
            yield from _ranges(arm.__origin__)


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind; true for kinds that cannot be asked, such as `Any`, a type variable or a protocol."""
    if kind is None or not isinstance(kind, type) or kind is Any:
        return kind is not None or value is None
    if isinstance(value, bool):  # a bool is an int to Python, and a slip here
        return kind in (bool, object)
    if kind is float:
        return isinstance(value, int | float)
    if isinstance(value, list) and kind is tuple:
        return True
    if isinstance(value, str) and kind is not str and issubclass(str, kind):
        return kind is object  # a string is a sequence of strings to Python, and a forgotten comma here
    try:
        return isinstance(value, kind)
    except TypeError:
        return True


def _figure(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:
        return "a whole number of more than 300 digits"


def _nearest(value: float, bound: Range) -> str:
    """What was probably meant by a number out of its range."""
    if bound.low == 0 and bound.high == 1 and value > 1:
        return f"write {value / 100:g}, if that is percent" if value <= 100 else "write a share of the whole, such as 0.01"
    return f"write a number that is {bound}"


def _name(hint: Any) -> str:
    hint = _bare(hint)
    if hint is None or hint is type(None):
        return "None"
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return getattr(get_origin(hint) or hint, "__name__", str(hint))


def _number_of_numpy(value: object) -> bool:
    return type(value).__module__ == "numpy" and not getattr(value, "ndim", 0)


def _is_item(value: Any, arm: Any) -> bool:
    """Whether a value could stand inside of a tuple of a kind."""
    arm = _bare(arm)
    return get_origin(arm) is tuple and bool(get_args(arm)) and not any(walk(value, get_args(arm)[0]))


def _advice(value: Any, arms: tuple[Any, ...]) -> str:
    kinds = [get_origin(arm) or arm for arm in map(_bare, arms)]
    if isinstance(value, str) and (int in kinds or float in kinds):
        try:
            return f"write {float(value):g} without quotes" if float in kinds else f"write {int(value)} without quotes"
        except ValueError:
            return ""
    if isinstance(value, float) and int in kinds and value.is_integer():
        return f"write {int(value):_}"
    if isinstance(value, str) and tuple in kinds:
        return f"write ({value!r},), with a comma"
    if isinstance(value, tuple) and len(cast("tuple[Any, ...]", value)) == 1 and not any(walk(value[0], Union[arms])):  # noqa: UP007
        return f"write {value[0]!r:.60}: a comma makes a tuple, also at the end of a line"
    if tuple in kinds and value is not None and any(_is_item(value, arm) for arm in arms):
        return "write (...,), with a comma, if there is only one"
    if str in kinds and isinstance(value, PurePath):
        return "write `str(...)` around it"
    if _number_of_numpy(cast(object, value)):
        return "write `.item()` behind it"
    described = [kind for kind in kinds if isinstance(kind, type) and attrs.has(kind)]
    return f"write {described[0].__name__}(...)" if described else ""
