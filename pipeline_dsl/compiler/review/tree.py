"""YAML as a tree of values that know where they stand; nothing in it is made into an object, and nothing is followed.

Numbers and words are read as in YAML 1.2 (`on` is a word, `1e-4` a number): what a person means by them.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

import attrs
import yaml

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.review.findings import NotReadable, TextHidden

MAX_DEPTH = 24
MAX_VALUES = 400_000
MAX_LONG = 100_000
"""Letters of one value. No field of a stage is longer, and nobody reads on."""
MAX_DIGITS = 40


@attrs.frozen(eq=False)
class Tree:
    """A value with its place: a plain value, a list of trees, or a mapping from names to trees. `key` is where its name stands."""

    value: Any
    span: Span
    key: Span
    text: str | None = None
    """A plain value as it is written, without quotes."""

    @property
    def items(self) -> dict[str, "Tree"]:
        """Its members by name; none if it is no mapping."""
        value: object = self.value
        return cast("dict[str, Tree]", value) if isinstance(value, dict) else {}

    @property
    def members(self) -> list["Tree"]:
        """Its members; none if it is no list."""
        value: object = self.value
        return cast("list[Tree]", value) if isinstance(value, list) else []

    @property
    def plain(self) -> Any:
        """The data without the places."""
        value: object = self.value
        if isinstance(value, dict):
            return {name: tree.plain for name, tree in self.items.items()}
        return [tree.plain for tree in self.members] if isinstance(value, list) else value


class Refused(Exception):
    """A text that is no data at all."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


def grown(text: str, file: str) -> tuple[Tree, list[Diagnostic]]:
    """The tree of a text that stands in `file`, with what is amiss with single values.

    Raises: Refused if it is no YAML, too large, too deep, or more than data.
    """
    found = list(_hidden(text, file))
    try:
        node = _composed(text, file)
    except _TooMuch as error:
        raise Refused(NotReadable.finding(error.args[0], _place(file, error.args[1], error.args[1]), help=ADVICE)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        raise Refused(NotReadable.finding(f"this is no YAML: {said}", _place(file, mark, mark), help=_QUOTES)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(NotReadable.finding(f"this is no YAML: {' '.join(str(error).split()):.300}", Span(file, 1), help=_QUOTES)) from error
    if node is None:
        raise Refused(NotReadable.finding("this file is empty", Span(file, 1), help="write one with `pdsl plan TARGET --manifest FILE`"))
    return _tree(node, file, None, found), found


ADVICE = "a manifest is plain data: write it with `pdsl plan TARGET --manifest FILE`"
_QUOTES = "put texts with special characters into quotes"


class _TooMuch(Exception):
    pass


def _composed(text: str, file: str) -> Any:
    """The nodes of the only document of a text, after its events were counted: composing itself recurses and remembers."""
    depth = values = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _TooMuch("a YAML alias stands here, which a manifest may not have", event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _TooMuch("a second YAML document begins here", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooMuch(f"this is nested deeper than {MAX_DEPTH} levels", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            if values > MAX_VALUES:
                raise _TooMuch(f"these are more than {MAX_VALUES:,} values", event.start_mark)
            if len(event.value) > MAX_LONG:
                raise _TooMuch(f"this value has {len(event.value):,} letters", event.start_mark)
        if getattr(event, "anchor", None) is not None:
            raise _TooMuch("a YAML anchor stands here, which a manifest may not have", event.start_mark)
    return yaml.compose(text, Loader=_Loader)


_Base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Loader(_Base):
    """A loader that resolves nothing: values are told apart below."""


_CORE = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


def _tree(node: Any, file: str, key: Span | None, found: list[Diagnostic]) -> Tree:
    span = _place(file, node.start_mark, node.end_mark)
    at = key or span
    span = at if node.end_mark.line > node.start_mark.line else span  # of a block, its name says enough
    if node.tag not in _CORE and not (isinstance(node, yaml.ScalarNode) and node.tag == "!"):
        found.append(NotReadable.finding(f"the tag {node.tag!r} would make an object of this", span, help=ADVICE))
    if isinstance(node, yaml.MappingNode):
        return Tree(_mapping(node, file, found), span, at)
    if isinstance(node, yaml.SequenceNode):
        return Tree([_tree(item, file, None, found) for item in node.value], span, at)
    value = node.value if node.style else _resolved(node.value, span, found)
    return Tree(value, span, at, node.value)


def _mapping(node: Any, file: str, found: list[Diagnostic]) -> dict[str, Tree]:
    members: dict[str, Tree] = {}
    for name, item in node.value:
        at = _place(file, name.start_mark, name.end_mark)
        if not isinstance(name, yaml.ScalarNode) or not name.value:
            found.append(NotReadable.finding("this key is no text", at, help=ADVICE))
            continue
        said: str = name.value
        if said in members:
            first = members[said].key
            text = f"the key {said!r:.80} is there twice, first in line {first.line}"
            found.append(NotReadable.finding(text, at, help="keep one", related=[("first here", first)]))
            continue
        members[said] = _tree(item, file, at, found)
    return members


_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*|0x[0-9a-fA-F]+|0o[0-7]+)").fullmatch
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?").fullmatch
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_BOOLS = {**dict.fromkeys(("true", "True", "TRUE"), True), **dict.fromkeys(("false", "False", "FALSE"), False)}
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)").fullmatch


def _resolved(text: str, span: Span, found: list[Diagnostic]) -> Any:
    """What a value without quotes means."""
    if text in _WORDS or text in _BOOLS:
        return _BOOLS.get(text)
    if _NOT_FINITE(text):
        return float(text.replace(".", "").lower())
    if len(text) > MAX_DIGITS and re.fullmatch(r"[-+0-9._eE]+", text):
        found.append(NotReadable.finding(f"this number has {len(text)} digits", span, help="no field takes such a number"))
        return text
    if _INT(text):
        return int(text.replace("_", ""), 0)
    if _FLOAT(text) and not re.fullmatch(r"[-+]?0[0-9_]+", text):
        return float(text.replace("_", ""))
    return text


def _place(file: str, start: Any, end: Any) -> Span:
    if start is None:
        return Span(file, 1)
    last = end or start
    if last.line > start.line:  # a block: its first line says enough, and its end is where the next one begins
        return Span(file, start.line + 1, start.column)
    return Span(file, start.line + 1, start.column, last.line + 1, last.column)


_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u2060-\u2065\u206a-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]|(?<!^)\ufeff"
)


def _hidden(text: str, file: str) -> Iterator[Diagnostic]:
    """Characters by which a text shows a reader something else than what a machine reads, comments included."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.isascii() and line.isprintable():
            continue
        for kind, told in ((_TURNING, "turns the direction of the text"), (_UNSEEN, "is not seen")):
            if match := kind.search(line):
                at = Span(file, number, match.start(), number, match.end())
                yield TextHidden.finding(
                    f"the character U+{ord(match.group()):04X} here {told}", at, help="remove it, or write it as an escape in quotes"
                )
                break
