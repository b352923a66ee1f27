"""`pdsl attest`, `pdsl verify`, and the signature and card of `pdsl export`, as a person runs them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gates.test_verdict import Shipped, shipped, shipping
from tests.provenance.released import make_key, public
from tests.runner.bench import Bench

pytest.importorskip("securesystemslib", reason="pip install 'pdsl[provenance]'")
pytest.importorskip("model_signing", reason="pip install 'pdsl[provenance]'")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """A run that ships, with its key, attestations and exported, signed model beside it."""
    run = shipped(tmp_path_factory.mktemp("finished"), shipping())
    make_key(run.bench.folder, name="key")
    for words in (("attest", "--out", "att", "--key", "key"), ("export", "--out", "model", "--sign", "key")):
        ended = run.bench.pdsl(*words)
        assert ended.returncode == 0, ended.stderr
    return run


@pytest.fixture
def bench(finished: Shipped, tmp_path: Path) -> Bench:
    shutil.copytree(finished.bench.folder, tmp_path, dirs_exist_ok=True)
    return Bench(tmp_path)


def refused(ended: "subprocess.CompletedProcess[str]", code: int, *said: str) -> None:
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    for text in said:
        assert text in ended.stderr


def test_what_was_attested_is_verified(finished: Shipped) -> None:
    ended = finished.bench.pdsl("verify", "att", "--key", "key.pub")
    assert ended.returncode == 0, ended.stderr
    assert "4 artifacts" in ended.stdout
    assert "shipping: SHIP, verdict sha256:" in ended.stdout


def test_programs_read_it_as_json(finished: Shipped, tmp_path: Path) -> None:
    attested = json.loads(finished.bench.pdsl("attest", "--out", tmp_path / "att", "--key", "key", "--json").stdout)
    verified = json.loads(finished.bench.pdsl("verify", tmp_path / "att", "--key", "key.pub", "--json").stdout)
    assert (attested["decision"], attested["artifacts"]) == (verified["decision"], len(verified["artifacts"])) == ("SHIP", 4)
    assert attested["verdict"] == verified["verdict"] == finished.judge().digest
    assert verified["ships"] == {"artifact": "01_step", "model": "01_step"}


def test_a_changed_byte_exits_4_and_names_the_file(bench: Bench) -> None:
    for file in (bench.folder / "att" / "stages" / "01_step.intoto.jsonl", next(bench.store.files("blobs"))):
        data = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        refused(bench.pdsl("verify", "att", "--key", "key.pub"), 4, file.name)
        file.write_bytes(data)


def test_another_key_exits_4(bench: Bench) -> None:
    other = make_key(bench.folder, name="other")
    refused(bench.pdsl("verify", "att", "--key", public(other)), 4, "not signed by a key that was given")
    assert bench.pdsl("verify", "att", "--key", public(other), "--key", "key.pub").returncode == 0


def test_an_exported_model_is_verified_without_a_store(bench: Bench) -> None:
    shutil.rmtree(bench.folder / ".pdsl")
    ended = bench.pdsl("verify", "att", "--key", "key.pub", "--model", "model")
    assert ended.returncode == 0, ended.stderr
    assert "model, " in ended.stdout
    refused(bench.pdsl("verify", "att", "--key", "key.pub"), 2, "--model")


@pytest.mark.parametrize("name", ["a.jsonl", "README.md", "model.sig", "extra"])
def test_whatever_is_changed_in_a_signed_model_exits_4(bench: Bench, name: str) -> None:
    with (bench.folder / "model" / name).open("ab") as stream:
        stream.write(b" ")
    refused(bench.pdsl("verify", "att", "--key", "key.pub", "--model", "model"), 4, name)


def test_an_exported_model_has_its_card_and_a_signature_beside_it(finished: Shipped) -> None:
    model = finished.bench.folder / "model"
    tree = finished.bench.store.tree(finished.judge().artifact or "")
    found = {file.relative_to(model).as_posix() for file in model.rglob("*") if file.is_file()}
    assert found == {entry.path for entry in tree.files} | {"README.md", "model.sig"}
    assert (model / "README.md").read_text() == finished.bench.pdsl("card").stdout


def test_a_model_s_own_readme_is_kept(tmp_path: Path) -> None:
    own = "from tests.cli.own_readme import Written\nmodel = Written()"
    run = shipped(tmp_path, shipping().replace("model = Step(label='new')", own))
    ended = run.bench.pdsl("export", "--out", "model")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "model" / "README.md").read_text() == "mine"
    assert "of its own, which is kept" in ended.stderr


def test_a_held_run_is_attested_and_its_model_is_not_let_through(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=30.0))
    make_key(tmp_path, name="key")
    ended = run.bench.pdsl("attest", "--out", "att", "--key", "key")
    assert (ended.returncode, "HOLD" in ended.stdout) == (0, True)
    assert run.bench.pdsl("verify", "att", "--key", "key.pub").returncode == 0
    tree = run.bench.store.tree(run.judge().artifact or "")
    for entry in tree.files:
        (tmp_path / "got" / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.bench.store.blob(entry), tmp_path / "got" / entry.path)
    assert run.bench.pdsl("verify", "att", "--key", "key.pub", "--model", "got").returncode == 3
    refused(run.bench.pdsl("export", "--out", "model", "--sign", "key"), 3, "is held")
    assert not (tmp_path / "model").exists()


POLICY = """
policy_version: 1
people:
  - {{name: Ada, emails: [ada@example.org], keys: ["{key}"], roles: [release]}}
overrides:
  - {{roles: [release], gates: ["*"], days: 30}}
"""


def test_an_override_goes_with_the_attestations_and_the_card(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=39.0))
    key = make_key(tmp_path, name="key")
    (tmp_path / "pdsl-policy.yaml").write_text(POLICY.format(key=public(key).read_text().strip()))
    words = ("override", "--gate", "mmlu", "--reviewer", "Ada", "--reason", "a <b>small</b> loss", "--key", "key")
    assert run.bench.pdsl(*words, PDSL_AUTHOR="eve@example.org").returncode == 0
    assert run.bench.pdsl("attest", "--out", "att", "--key", "key").returncode == 0
    assert run.bench.pdsl("export", "--out", "model", "--sign", "key").returncode == 0
    ended = run.bench.pdsl("verify", "att", "--key", "key.pub", "--model", "model")
    assert ended.returncode == 0, ended.stderr
    assert "shipping: SHIP by override" in ended.stdout
    assert "mmlu >= baseline + 0.5: overridden by Ada until " in ended.stdout
    card = (tmp_path / "model" / "README.md").read_text()
    assert "signed by Ada on" in card
    assert "reason: a &#60;b&#62;small&#60;/b&#62; loss" in card


def test_a_damaged_store_is_not_attested(bench: Bench) -> None:
    file = next(bench.store.files("blobs"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"x")
    refused(bench.pdsl("attest", "--out", "more", "--key", "key"), 4)
    assert not (bench.folder / "more").exists()


def test_what_cannot_be_is_said(bench: Bench) -> None:
    make_key(bench.folder, "ed25519", name="small")
    refused(bench.pdsl("attest", "--out", "att", "--key", "key"), 2, "there already")
    refused(bench.pdsl("attest", "--out", "new", "--key", "nothing"), 2, "cannot read the key")
    refused(bench.pdsl("attest", "--out", "new", "--key", "key.pub"), 2, "no private key")
    refused(bench.pdsl("attest", "--out", "new"), 2)
    refused(bench.pdsl("attest", "--out", "new", "--key", "key", "--builder", "me"), 2, "is no URI")
    refused(bench.pdsl("verify", "att", "--key", "key"), 2, "is a private key")
    refused(bench.pdsl("verify", "model", "--key", "key.pub"), 2, "no attestations")
    refused(bench.pdsl("verify", "att", "--key", "key.pub", "--model", "nowhere"), 2, "no folder")
    refused(bench.pdsl("export", "--out", "again", "--sign", "small"), 2, "takes ECDSA keys")
    assert not (bench.folder / "again").exists()


def test_the_key_may_be_named_by_the_environment(bench: Bench) -> None:
    assert bench.pdsl("attest", "--out", "new", PDSL_KEY="key").returncode == 0
