"""Any text in any declared value reaches a process unchanged, or is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings, strategies as st

from pipeline_dsl.backends.k8s.spelling import carried, embedded, label, literal, manifest
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.render.templates import directive, identifier, line, quote
from tests.command import ROOT, demo, pdsl, run

words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=60) | st.sampled_from(
    [
        "",
        " ",
        "-n",
        "--",
        "$(id)",
        "`id`",
        "a'b",
        'a"b',
        "\\",
        "\n",
        "a\nb",
        "a\r\n'\\b",
        "{{ x }}",
        "$(NAME)",
        "!!",
        "*",
        "~",
        "é",
        "😀",
        "\u2028",
        "#x",
    ]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(words, min_size=1, max_size=8))
def test_any_words_reach_a_process_through_bash_unchanged(given_words: list[str]) -> None:
    script = "printf '%s\\0' " + " ".join(quote(word) for word in given_words)

    assert subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1] == given_words


def test_a_word_that_no_command_line_can_carry_is_refused() -> None:
    with pytest.raises(Unrenderable):
        quote("a\0b")


@given(words)
def test_a_directive_is_one_plain_word_or_refused(word: str) -> None:
    try:
        written = directive(word)
    except Unrenderable:
        return
    assert written == word
    assert word.isprintable()
    assert not set(word) & set(" \"'`$\\#<>\n")


@given(words)
def test_a_line_of_setup_stays_one_line(word: str) -> None:
    breaks = any(character in word for character in "\n\r\0")
    if breaks:
        with pytest.raises(Unrenderable):
            line(word)
    else:
        assert line(word) == word


@given(words)
def test_a_variable_has_a_legal_name_or_is_refused(word: str) -> None:
    try:
        assert identifier(word).isidentifier()
    except Unrenderable:
        assert not (word.isidentifier() and word.isascii())


@given(st.dictionaries(words, words | st.lists(words), max_size=5))
def test_any_value_comes_back_from_yaml(value: dict[str, str | list[str]]) -> None:
    text = manifest([value, value])

    assert list(yaml.safe_load_all(text)) == [value, value]
    assert "&id" not in text


dollars = st.text("$()NAMEx", max_size=12)


@given(words | dollars)
@example("p@$$word")
@example("$$(NAME)")
@example("$$$(NAME)$")
def test_kubernetes_expands_no_variable_in_a_word(word: str) -> None:
    assert expanded(literal(word), VARIABLES) == word


@given(words | dollars)
@example("$(NAME)")
@example("$$$(NAME)$")
def test_an_object_that_argo_creates_says_what_was_written(word: str) -> None:
    """Kubernetes reads it twice: as a variable of Argo's executor, and in the pod that it describes."""
    text = embedded({"said": literal(word), "referred": "$(JOBSET_NAME)-0"})
    created = yaml.safe_load(json.loads(expanded(json.dumps({"manifest": carried(text)}), VARIABLES))["manifest"])

    assert expanded(created["said"], VARIABLES) == word
    assert expanded(created["referred"], {"JOBSET_NAME": "j"}) == "j-0"


VARIABLES = {"NAME": "wrong", "id": "wrong", "": "wrong"}


def expanded(text: str, variables: dict[str, str]) -> str:
    """What Kubernetes makes of a word of a command, or of a variable's value: the rules of its own `expand.go`.

    `$(NAME)` is replaced where NAME is known, and two dollars are one wherever they stand.
    """
    out, place = "", 0
    while place < len(text):
        end = text.find(")", place)
        if text.startswith("$$", place):
            out += "$"
            place += 2
        elif text.startswith("$(", place) and end >= 0:
            out += variables.get(text[place + 2 : end], text[place : end + 1])
            place = end + 1
        else:
            out += text[place]
            place += 1
    return out


@given(words, words)
def test_a_label_is_legal_and_short(one: str, other: str) -> None:
    text = label(
        "p" + "".join(filter(lambda c: c.isascii() and c.isalnum(), one)),
        "".join(filter(lambda c: c.isascii() and c.isalnum(), other)) or "x",
    )

    assert len(text) <= 40
    assert text[0].isalpha()
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_what_the_templates_write_passes_shellcheck(tmp_path: Path) -> None:
    pipeline = demo(tmp_path)
    ended = pdsl("compile", pipeline, "--backend", "slurm", "--backend", "local", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["backends"] == ["slurm", "local"]
    scripts = sorted((tmp_path / "generated").rglob("*.sh"))
    assert len(scripts) > 20

    checked = run([Path(sys.executable).with_name("shellcheck"), *scripts], cwd=tmp_path)

    assert checked.stdout == ""


def test_the_images_that_are_written_pass_hadolint() -> None:
    files = sorted((ROOT / "generated").glob("*/k8s/*.Dockerfile"))
    assert files

    checked = run([Path(sys.executable).with_name("hadolint"), *files], cwd=ROOT)

    assert (checked.returncode, checked.stdout) == (0, "")
