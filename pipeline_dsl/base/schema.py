"""The JSON Schema (draft 2020-12) of an attrs class, from its annotations."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def json_schema(cls: type[Any], *, identifier: str) -> dict[str, Any]:
    """The schema of the JSON or YAML data that `convert.structure` takes for `cls`; unknown keys are refused.

    Raises: TypeError for an annotation that has no JSON counterpart.
    """
    definitions: dict[str, Any] = {}
    body = _object(cls, definitions)
    definitions.pop(cls.__name__, None)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identifier, "title": cls.__name__}
    return {**head, **body, **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def _object(cls: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    definitions[cls.__name__] = {}
    hints = get_type_hints(cls, include_extras=True)
    fields = [field for field in attrs.fields(cls) if field.init]
    body = {
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": {field.name: _of(hints[field.name], definitions) for field in fields},
        "required": [field.name for field in fields if field.default is attrs.NOTHING],
        "additionalProperties": False,
    }
    definitions[cls.__name__] = body
    return body


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint is Any:
        return {}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of(arguments[0], definitions)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(arm, definitions) for arm in arguments]}
    if origin in (tuple, list):
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if getattr(origin, "__name__", "") in ("Mapping", "dict"):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if isinstance(hint, type) and attrs.has(hint):
        if hint.__name__ not in definitions:
            _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    bare: Any = getattr(hint, "__supertype__", None)
    if bare is not None:
        return _of(bare, definitions)
    raise TypeError(f"{hint!r} has no JSON Schema")
