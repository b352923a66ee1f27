"""A signed model folder: made by us, checked by the OpenSSF's own library, and the other way round."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_dsl.base.fault import BadSignature, Usage
from pipeline_dsl.provenance.library import library
from pipeline_dsl.provenance.model_signature import SIGNATURE, sign, signing_key, verify
from tests.provenance.released import flipped, make_key, public


def pem(key: Path) -> Path:
    file = key.with_suffix(".pem")
    known = library("cryptography.hazmat.primitives.serialization")
    loaded = known.load_ssh_public_key(public(key).read_bytes())
    file.write_bytes(loaded.public_bytes(known.Encoding.PEM, known.PublicFormat.SubjectPublicKeyInfo))
    return file


@pytest.fixture
def model(tmp_path: Path, key: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    for name, data in {"config.json": b"{}", "model.safetensors": bytes(300), "deep/a": b"a", "README.md": b"#"}.items():
        (folder / name).write_bytes(data)
    sign(folder, signing_key(key))
    return folder


def test_the_reference_library_verifies_what_we_signed(model: Path, key: Path) -> None:
    library("model_signing.verifying").Config().use_elliptic_key_verifier(public_key=pem(key)).verify(model, model / SIGNATURE)


def reference(model: Path, key: Path, *options: str) -> str:
    command = [
        sys.executable,
        "-m",
        "model_signing",
        "verify",
        "key",
        model,
        "--signature",
        model / SIGNATURE,
        "--public_key",
        pem(key),
        *options,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return ended.stdout.strip() if ended.returncode == 0 else ended.stdout + ended.stderr


def test_the_reference_command_line_does_too(model: Path, key: Path) -> None:
    assert reference(model, key) == "Verification succeeded"


def test_files_of_git_are_signed_if_the_model_has_them_and_may_come_later_if_not(model: Path, key: Path) -> None:
    (model / ".gitattributes").write_text("*")
    verify(model, public(key))
    assert reference(model, key) == "Verification succeeded"
    (model / SIGNATURE).unlink()
    sign(model, signing_key(key))
    assert reference(model, key, "--no-ignore-git-paths") == "Verification succeeded"
    (model / ".gitattributes").write_text("?")
    with pytest.raises(BadSignature, match="gitattributes"):
        verify(model, public(key))


def test_we_verify_what_the_reference_library_signed(model: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path, name="theirs")
    (model / SIGNATURE).unlink()
    subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-P", "", "-f", key], check=True, capture_output=True)
    library("model_signing.signing").Config().use_elliptic_key_signer(private_key=key).sign(model, model / SIGNATURE)
    verify(model, public(key))


def test_the_name_of_the_folder_and_its_place_do_not_matter(model: Path, key: Path, tmp_path: Path) -> None:
    shutil.move(model, tmp_path / "elsewhere")
    verify(tmp_path / "elsewhere", public(key))


def test_every_changed_byte_of_the_signature_is_found(model: Path, key: Path) -> None:
    file = model / SIGNATURE
    data = file.read_bytes()
    for place in {*range(0, len(data), 17), *range(len(data) - 8, len(data))}:
        file.write_bytes(flipped(data, place))
        with pytest.raises(BadSignature, match=SIGNATURE):
            verify(model, public(key))
    for other in (data + b" ", b" " + data, b"", b"{}", b"\xff"):
        file.write_bytes(other)
        with pytest.raises(BadSignature):
            verify(model, public(key))
    file.write_bytes(data)
    verify(model, public(key))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "deep/a", "README.md"])
def test_every_changed_file_is_found_and_named(model: Path, key: Path, name: str) -> None:
    data = (model / name).read_bytes()
    for place in {0, len(data) // 2, len(data) - 1}:
        (model / name).write_bytes(flipped(data, place))
        with pytest.raises(BadSignature, match=name):
            verify(model, public(key))


def test_a_file_more_or_less_is_found(model: Path, key: Path) -> None:
    (model / "more.py").touch()
    with pytest.raises(BadSignature, match=r"more\.py"):
        verify(model, public(key))
    (model / "more.py").unlink()
    (model / "config.json").unlink()
    with pytest.raises(BadSignature, match=r"config\.json"):
        verify(model, public(key))


def test_another_key_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSignature):
        verify(model, public(make_key(tmp_path, name="other")))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_that_the_specification_does_not_have_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    with pytest.raises(Usage, match="takes ECDSA keys") as error:
        signing_key(make_key(tmp_path, kind))
    assert "ssh-keygen -t ecdsa" in error.value.help


def test_a_model_s_own_file_is_not_overwritten(model: Path, key: Path) -> None:
    with pytest.raises(Usage, match="of its own"):
        sign(model, signing_key(key))
