"""JSON data to typed values and back, by cattrs: the only place that uses it.

Unknown keys are errors. A union of attrs classes is told apart by the `$type` key that `canonical.plain` writes.

cattrs is imported when something is read: most checks read nothing, and it would be a tenth of what they cost to start.
"""

import types
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import attrs

from pipeline_dsl.base.canonical import TAG
from pipeline_dsl.base.fault import BadFile

if TYPE_CHECKING:
    import cattrs

T = TypeVar("T")

Hook = Callable[[Any, Any], Any]
"""What reads data as one type: it is given both."""


def _tagged(target: Any) -> bool:
    if get_origin(target) not in (Union, types.UnionType):
        return False
    return sum(attrs.has(arm) for arm in get_args(target)) > 1


def _measured(target: Any) -> bool:
    """A number, or the same with its unit: which of them it was is not written down, and does not matter."""
    arms = get_args(target) if get_origin(target) in (Union, types.UnionType) else ()
    return float in arms and all(arm in (float, type(None)) or getattr(arm, "__supertype__", None) is float for arm in arms)


def _measured_hook(target: Any, converter: "cattrs.Converter") -> Hook:
    optional = type(None) in get_args(target)
    return lambda data, _: None if data is None and optional else converter.structure(data, float)


def _tagged_hook(target: Any, converter: "cattrs.Converter") -> Hook:
    arms = get_args(target)

    def run(data: Any, _: Any) -> Any:
        if data is None and type(None) in arms:
            return None
        said = cast("dict[str, Any]", data).get(TAG) if isinstance(data, dict) else None
        for arm in arms:
            if attrs.has(arm) and arm.__name__ == said:
                return converter.structure(data, arm)
        names = ", ".join(arm.__name__ for arm in arms)
        raise ValueError(f"{TAG} is {said!r}, not one of {names}")

    return run


def _attrs_hook(target: type[Any], converter: "cattrs.Converter") -> Hook:
    from cattrs.gen import make_dict_structure_fn

    structure = make_dict_structure_fn(target, converter, _cattrs_forbid_extra_keys=True)

    def run(data: Any, kind: type[Any]) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"{kind.__name__} is written as a mapping, not {data!r:.80}")
        found = cast("dict[str, Any]", data)
        if TAG in found and found[TAG] != target.__name__:
            raise ValueError(f"{TAG} is {found[TAG]!r}, not {target.__name__!r}")
        return structure({key: value for key, value in found.items() if key != TAG}, kind)

    return run


def _exactly(kind: type[Any]) -> Hook:
    def check(data: Any, _: Any) -> Any:
        if type(data) is not kind:
            raise ValueError(f"{data!r:.80} is not {kind.__name__}")
        return data

    return check


def _is_choice(target: Any) -> bool:
    return get_origin(target) is Literal


def _choice_hook(target: Any, _: "cattrs.Converter") -> Hook:
    choices = get_args(target)

    def check(data: Any, _: Any) -> Any:
        if not any(type(data) is type(choice) and data == choice for choice in choices):
            raise ValueError(f"{data!r:.80} is not one of {', '.join(map(repr, choices))}")
        return data

    return check


def _number(data: Any, _: Any) -> float:
    if type(data) not in (float, int):
        raise ValueError(f"{data!r:.80} is not float")
    return float(data)


def _number_as_written(data: Any, _: Any) -> float:
    _number(data, _)
    return data


def _mapping_hook(target: Any, converter: "cattrs.Converter") -> Hook:
    value = (get_args(target) or (str, Any))[1]

    def run(data: Any, _: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"expected a mapping, not {data!r:.80}")
        return {str(key): converter.structure(item, value) for key, item in cast("dict[Any, Any]", data).items()}

    return run


def _sequence_hook(target: Any, converter: "cattrs.Converter") -> Hook:
    item = (get_args(target) or (Any,))[0]

    def run(data: Any, _: Any) -> Any:
        if not isinstance(data, list | tuple):
            raise ValueError(f"expected a list, not {data!r:.80}")
        return tuple(converter.structure(element, item) for element in cast("list[Any]", data))

    return run


def _is_sequence(target: Any) -> bool:
    """Whether it is a list of one type: left to cattrs, a text would be read as the tuple of its letters."""
    origin = get_origin(target)
    return (origin is tuple and get_args(target)[1:] == (...,)) or getattr(origin, "__name__", "") == "Sequence"


def _is_mapping(target: Any) -> bool:
    origin = get_origin(target)
    return origin is not None and (origin is dict or getattr(origin, "__name__", "") == "Mapping")


@cache
def _converter(as_written: bool) -> "cattrs.Converter":
    import cattrs

    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook_factory(attrs.has, _attrs_hook)
    converter.register_structure_hook_factory(_tagged, _tagged_hook)
    converter.register_structure_hook_factory(_measured, _measured_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook_factory(_is_sequence, _sequence_hook)
    converter.register_structure_hook_factory(_is_choice, _choice_hook)
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number_as_written if as_written else _number)
    return converter


def structure(data: Any, target: type[T], *, what: str, as_written: bool = False) -> T:
    """`data` as a `target`; `what` names the data in the error.

    A whole number that stands for a float becomes one. `as_written` leaves it the `int` that it is, as Python does, so that what
    is read has the canonical spelling, and the digest, of what was written.

    Raises: BadFile, listing every place where the data does not fit.
    """
    import cattrs

    try:
        return _converter(as_written).structure(data, target)
    except cattrs.BaseValidationError as error:
        places = "\n  ".join(cattrs.transform_error(error, path=what))
        raise BadFile(f"{what} is not what it should be:\n  {places}") from error
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadFile(f"{what} is not what it should be: {error}") from error


def unstructure(value: object) -> Any:
    """An attrs value as JSON data without class tags, which is what our own files hold."""
    kind = type(value)
    if attrs.has(kind):
        return {field.name: unstructure(getattr(value, field.name)) for field in attrs.fields(kind)}
    if kind is tuple or kind is list:
        return [unstructure(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, dict):
        return {key: unstructure(item) for key, item in cast("dict[str, object]", value).items()}
    return value.value if isinstance(value, Enum) else value
