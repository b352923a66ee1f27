"""Who runs something: as they say of themselves."""

import subprocess
from pathlib import Path

import pytest

from pipeline_dsl.runner.machine import author
from pipeline_dsl.store import manifest as manifests
from tests.runner.bench import Bench


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PDSL_AUTHOR", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")


def configure(folder: Path, email: bytes) -> None:
    (folder / "gitconfig").write_bytes(b"[user]\n\temail = " + email + b"\n")


def test_the_author_is_gits_user(tmp_path: Path) -> None:
    configure(tmp_path, b"ada@example.org")
    assert author(tmp_path) == "ada@example.org"


def test_a_repositorys_own_user_comes_first(tmp_path: Path) -> None:
    configure(tmp_path, b"ada@example.org")
    subprocess.run(["git", "init", "-q", str(tmp_path / "project")], check=True)
    subprocess.run(["git", "-C", str(tmp_path / "project"), "config", "user.email", "grace@example.org"], check=True)
    assert author(tmp_path / "project") == "grace@example.org"


def test_without_git_it_is_the_systems_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert author(tmp_path) == account
    monkeypatch.setenv("PATH", str(tmp_path))
    assert author(tmp_path) == account


def test_an_account_that_runs_for_others_says_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, b"ci@example.org")
    monkeypatch.setenv("PDSL_AUTHOR", " ada@example.org ")
    assert author(tmp_path) == "ada@example.org"


@pytest.mark.parametrize("said", [b"ad\xffa", b"ada\x1b[2J", "ad\u202ea".encode(), b"a" * 5000])
def test_whatever_somebody_calls_themselves_can_be_written_and_printed(tmp_path: Path, said: bytes) -> None:
    configure(tmp_path, said)
    found = author(tmp_path)
    assert found.isprintable()
    assert 0 < len(found) <= 200
    found.encode()


def test_the_manifest_and_each_stages_record_say_who_ran_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    text = "a = Step(label='a')\nlast = Step(label='b', reads=(a,))\npipeline = Pipeline(name='p', targets=[last])\n"
    monkeypatch.setenv("PDSL_AUTHOR", "ada@example.org")
    plan = bench.plan(text)
    bench.run(plan)
    monkeypatch.setenv("PDSL_AUTHOR", "grace@example.org")
    made = bench.run(plan, again=frozenset({"02_step"}))
    assert manifests.read(made.manifest).author == "grace@example.org"
    assert {record.fields["label"]: record.author for record in bench.store.records()} == {"a": "ada@example.org", "b": "grace@example.org"}
