"""Objects as YAML that every reader takes for the same: plain scalars, keys in our order, no anchors, which make Argo skip a file."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.store.strict_yaml import Dumper

LONGEST = 40
"""Of a name: controllers add their own parts to it, and 63 is the limit of a label, a host's name and a Job's."""

_READ_DOLLAR = re.compile(r"\$(?=[$(])")
"""One that Kubernetes takes for more than itself."""


class _Dumper(Dumper):
    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Text of several lines as such, where YAML can: that is what a reviewer reads."""
        written: Any = self
        return written.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)  # type: ignore[reportUnknownMemberType]


def manifest(objects: Iterable[Any]) -> str:
    """Objects as one YAML file."""
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True)


def embedded(value: Any) -> str:
    """An object as the text of a field of another."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)


def label(*parts: str, longest: int = LONGEST) -> str:
    """A name of at most `longest` characters that begins with a letter; one that was cut ends in a digest of the whole."""
    whole = "-".join(parts).lower().replace("_", "-").replace(".", "-")
    if not whole[0].isalpha():
        whole = f"s{whole}"
    if len(whole) <= longest:
        return whole
    return f"{whole[: longest - 9].rstrip('-')}-{digest_bytes(whole.encode()).rpartition(':')[2][:8]}"


def literal(word: str) -> str:
    """A word of a command as it is: Kubernetes reads `$(NAME)` as a variable's value, and two dollars as one wherever they stand."""
    return _READ_DOLLAR.sub("$$", word)


def carried(text: str) -> str:
    """The text of an object that Argo creates: its executor gets it as a variable, in which Kubernetes makes one dollar of two.

    What is written as `$(NAME)` passes, as no variable that we refer to is there.
    """
    return text.replace("$$", "$$$$")
