"""The reviewer skill: its front matter is what agents read, its commands work, and its examples get the verdicts that it says."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipeline_dsl.compiler.catalogue import catalogue
from tests.command import ROOT, pdsl

SKILL = ROOT / "skills" / "llm-pipeline-reviewer"
TEXT = (SKILL / "SKILL.md").read_text(encoding="utf-8")

COMMANDS = [line.strip() for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line.strip()]
EXAMPLES = re.findall(r"\| \[(examples/\w+\.yaml)\]\(\1\) \| (APPROVE|REFUSE) \| (\d) \| ?(PDSL\d{3})? ?\|", TEXT)


def test_its_front_matter_is_what_agents_read() -> None:
    _, front, _ = TEXT.split("---\n", 2)
    said = yaml.safe_load(front)

    assert said["name"] == SKILL.name
    assert re.fullmatch(r"[a-z0-9-]{1,64}", said["name"])
    assert 0 < len(said["description"]) <= 1024
    assert set(said) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}


def test_it_shows_at_least_five_commands_and_seven_examples() -> None:
    assert len(COMMANDS) >= 5
    assert len(EXAMPLES) >= 7
    assert {Path(file).name for file, *_ in EXAMPLES} == {file.name for file in (SKILL / "examples").iterdir()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_it_shows_works(command: str) -> None:
    word, *arguments = shlex.split(command)
    ended = pdsl(*arguments, cwd=SKILL)

    assert word == "pdsl"
    assert ended.returncode in (0, 1), ended.stderr
    assert ended.stderr == ""
    assert ended.stdout


@pytest.mark.parametrize(("file", "verdict", "code", "finds"), EXAMPLES)
def test_an_example_gets_the_verdict_that_it_says(file: str, verdict: str, code: str, finds: str) -> None:
    ended = pdsl("review", file, cwd=SKILL)

    assert ended.returncode == int(code), ended.stdout + ended.stderr
    assert f"{verdict} {file}: " in ended.stdout
    assert set(re.findall(r"^error\[(PDSL\d+)\]", ended.stdout, re.MULTILINE)) >= ({finds} if finds else set())


def test_every_code_that_it_names_is_one() -> None:
    assert set(re.findall(r"PDSL\d{3}", TEXT)) <= set(catalogue())
