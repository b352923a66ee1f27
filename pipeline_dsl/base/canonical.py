"""The one way a value is spelled as bytes.

Two values that differ in any way that could change a result have different bytes; the same value has the
same bytes in every process. What has no such spelling (functions, default reprs, NaN) is refused.
"""

import json
import math
from enum import Enum
from typing import Any, cast

import attrs

TAG = "$type"
"""The key under which an attrs value names its class."""

_ATOMS = frozenset({int, bool, type(None)})


class NotCanonical(ValueError):
    """A value has no canonical spelling; `path` says where it sits inside the whole."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or 'the value'}: {reason}")
        self.path = path
        self.reason = reason


def plain(value: object, path: str = "") -> Any:
    """`value` as JSON data: attrs values become objects tagged with their class, enums their value.

    Raises: NotCanonical for anything whose spelling could differ between two processes.
    """
    kind = type(value)
    if kind is str:
        return _text(cast(str, value), path)
    if kind in _ATOMS:
        return value
    if kind is float:
        if not math.isfinite(cast(float, value)):
            raise NotCanonical(path, f"{value} is not a finite number")
        return value
    if kind is tuple or kind is list:
        items = cast("tuple[object, ...]", value)
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(items)]
    if isinstance(value, Enum):
        return plain(value.value, path)
    if isinstance(value, dict):
        return _plain_mapping(cast("dict[object, object]", value), path)
    if attrs.has(kind):
        return _plain_attrs(value, path)
    if isinstance(value, str):  # a subclass, NewTypes included
        return _text(str(value), path)
    if isinstance(value, float):  # numpy's, of a sweep by `logspace`
        return plain(float(value), path)
    raise NotCanonical(path, f"a {kind.__name__} has no canonical spelling; use numbers, strings, tuples, dicts or attrs classes")


def _plain_mapping(value: dict[object, object], path: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotCanonical(path, f"the key {key!r} is not a string")
        result[_text(key, path)] = plain(item, f"{path}.{key}" if path else key)
    return result


def _text(value: str, path: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotCanonical(path, "it holds a lone surrogate, which is no Unicode text") from error
    return value


def _plain_attrs(value: object, path: str) -> dict[str, Any]:
    kind = type(value)
    result: dict[str, Any] = {TAG: kind.__name__}
    for field in attrs.fields(kind):
        result[field.name] = plain(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)
    return result


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def spell(data: Any) -> bytes:
    """JSON data, as `plain` gives it, as bytes: sorted keys, no spaces, UTF-8.

    Raises: NotCanonical for a string that is not Unicode text (a lone surrogate).
    """
    try:
        return _encode(data).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("", "a string holds a lone surrogate, which is no Unicode text") from error


def canonical(value: object) -> bytes:
    """The canonical bytes of `value`.

    Raises: NotCanonical.
    """
    return spell(plain(value))
