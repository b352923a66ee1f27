"""What the API server takes as the names of objects, labels and resources, and the container runtime as that of an image.

Sources: the API's conventions for names (RFC 1123 subdomains) and labels; the reference grammar of the OCI distribution. The patterns are
compiled when settings are first held to them: every pipeline imports this module, few name a cluster.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from pipeline_dsl.lang.stage import Problem

_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_WORD = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
_OBJECT = rf"{_PART}(\.{_PART})*"
_KEY = rf"({_PART}(\.{_PART})*/)?{_WORD}"
_VALUE = rf"{_WORD}?"
_ENTRY = r"[-._a-zA-Z0-9]{1,253}"
_HOST = r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(:\d+)?/"
_FOLDER = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_IMAGE = rf"({_HOST})?{_FOLDER}(/{_FOLDER})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@[a-z0-9]+:[0-9a-fA-F]+)?"

Rule = Callable[[str], bool]


def object_name(value: str) -> bool:
    """Of a Secret, a queue, a class of priority or storage."""
    return len(value) <= 253 and re.fullmatch(_OBJECT, value) is not None


def queue_name(value: str) -> bool:
    """Of a queue, which stands in a label as well."""
    return object_name(value) and len(value) <= 63


def key(value: str) -> bool:
    """Of a label, a taint or an extended resource: `example.com/name`."""
    return len(value) <= 317 and re.fullmatch(_KEY, value) is not None


def label_value(value: str) -> bool:
    """What a label or a taint says."""
    return re.fullmatch(_VALUE, value) is not None


def entry(value: str) -> bool:
    """A key inside a Secret."""
    return re.fullmatch(_ENTRY, value) is not None and value not in (".", "..")


def image(value: str) -> bool:
    """What a registry is asked for."""
    return re.fullmatch(_IMAGE, value) is not None


_HELP: dict[Rule, str] = {
    object_name: "use lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
    queue_name: "use up to 63 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
    key: "use letters, digits, `-`, `_` and `.`, after a domain in lower case and `/` if it has one: `nvidia.com/gpu`",
    label_value: "use up to 63 letters, digits, `-`, `_` and `.`, as `kubectl get nodes --show-labels` prints it",
    entry: "use letters, digits, `-`, `_` and `.`",
    image: "write it as the registry does, in lower case: `registry/name@sha256:...`",
}


def misspelled(field: str, values: Iterable[str | None], rule: Rule, what: str) -> Iterator[Problem]:
    """Values of a field that are not what `rule` takes; None is nothing said."""
    for value in values:
        if value is not None and not rule(value):
            yield Problem(field, f"{value!r} is no {what}", _HELP[rule])


def labels(field: str, given: Mapping[str, str] | None) -> Iterator[Problem]:
    """Labels, or what selects by them."""
    if given is not None:
        yield from misspelled(field, given, key, "key of a label")
        yield from misspelled(field, given.values(), label_value, "value of a label")
