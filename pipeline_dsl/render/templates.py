"""Templates whose values are quoted unless they say otherwise: for bash as one word, in Dockerfiles as JSON.

A `{{ value }}` stands where a whole word stands, never inside quotes.
"""

import json
import shlex
from functools import cache
from typing import Any

import jinja2

from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.launcher import VARIABLE
from pipeline_dsl.lang.slurm import DIRECTIVE


class _Raw(str):
    """Text that is written as it is."""


def render(package: str, template: str, **values: Any) -> str:
    """The text of `template`, a file of `package`, quoted as the suffix before `.j2` says.

    Raises: Unrenderable if a value cannot be quoted there.
    """
    return _environment(package, template.removesuffix(".j2").rpartition(".")[2]).get_template(template).render(**values)


def quote(word: Any) -> str:
    """A value as one word of bash.

    Raises: Unrenderable for a NUL, which no argument can hold.
    """
    if isinstance(word, _Raw):
        return word
    text = str(word)
    if "\0" in text:
        raise Unrenderable(f"{text!r} holds a NUL, which no command line can carry")
    if "\r" in text:  # sbatch takes no script in which a line ends as on Windows, not even inside quotes
        return "$'" + text.replace("\\", r"\\").replace("'", r"\'").replace("\r", r"\r") + "'"
    return shlex.quote(text)


def directive(value: Any) -> str:
    """A value as it stands in a scheduler's comment line, where no quoting helps.

    Raises: Unrenderable if it is more than one plain word.
    """
    text = str(value)
    if not DIRECTIVE.fullmatch(text):
        raise Unrenderable(f"{text!r} cannot stand in a scheduler's directive", help="use letters, digits and . _ - , : = / only")
    return _Raw(text)


def identifier(value: Any) -> str:
    """A value as the name of a variable.

    Raises: Unrenderable if it is none.
    """
    text = str(value)
    if not VARIABLE.fullmatch(text):
        raise Unrenderable(f"{text!r} is no name of a variable")
    return _Raw(text)


def line(value: Any) -> str:
    """A line of shell that somebody wrote to be run: as it is.

    Raises: Unrenderable if it is more than one line, since what follows would be read as something else.
    """
    text = str(value)
    if any(character in text for character in "\n\r\0"):
        raise Unrenderable(f"{text!r} is not one line of shell", help="give each line by itself")
    return _Raw(text)


@cache
def _environment(package: str, language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, ""),
        undefined=jinja2.StrictUndefined,
        finalize=quote if language == "sh" else _spelled,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"directive": directive, "identifier": identifier, "line": line}
    return environment


def _spelled(value: Any) -> str:
    return value if isinstance(value, _Raw) else json.dumps(value, ensure_ascii=False)
