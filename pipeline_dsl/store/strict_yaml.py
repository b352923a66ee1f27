"""YAML as data and nothing else: read strictly, written without aliases. The manifest imports it when it is read or written."""

from pathlib import Path
from typing import Any, cast

import yaml

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.fault import BadFile, Usage

MAX_DEPTH = 24


def dumped(data: Any) -> str:
    """Data as YAML, in the order that it has."""
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def mapping(path: Path, what: str, limit: int) -> dict[str, Any]:
    """The mapping in a file of at most `limit` bytes; `what` is what the file should be.

    Raises: Usage if there is no such file; BadFile if it is too large, too deep, no mapping, says a key twice, or uses YAML
    aliases or values that JSON has not.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error
    return parsed(raw, path, what, limit)


def parsed(raw: bytes, path: Path, what: str, limit: int) -> dict[str, Any]:
    """The same of the bytes that stand, or stood, in `path`.

    Raises: BadFile.
    """
    if len(raw) > limit:
        raise BadFile(f"{path} is larger than {limit} bytes, which no {what} is")
    try:
        data: Any = loaded(raw.decode(), path, what)
        spell(data)
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is no {what}: it is not UTF-8 text") from error
    except (RecursionError, TypeError, ValueError) as error:
        raise BadFile(f"{path} is no {what}: {error}") from error
    if not isinstance(data, dict):
        raise BadFile(f"{path} is no {what}: it holds {type(data).__name__}, not a mapping")
    return cast("dict[str, Any]", data)


def loaded(text: str, path: Path, what: str = "manifest") -> Any:
    """The data in a text that stands in `path`.

    Raises: BadFile if it is no YAML, too deep, says a key twice or uses aliases; RecursionError, TypeError or ValueError if it
    has values that cannot be made.
    """
    try:
        _limit(text, path, what)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise BadFile(f"{path} is no {what}: {' '.join(str(error).split())}") from error


def _limit(text: str, path: Path, what: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise BadFile(f"{path} uses a YAML alias, which a {what} may not")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise BadFile(f"{path} is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):
    """The safe loader, which refuses what a reader could take for something else: a key said twice, or one that is no text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", node.value[index][0].start_mark)
        if len(set(keys)) != len(keys):
            twice = next(index for index, key in enumerate(keys) if key in keys[:index])
            raise yaml.constructor.ConstructorError(None, None, f"{keys[twice]!r} is there twice", node.value[twice][0].start_mark)
        parent: Any = super()
        return parent.construct_mapping(node, deep=deep)


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """libyaml's where PyYAML has it, as its wheels do: it is five times as fast. Equal parts are written out, never as anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """None is written."""
        return True
