"""Keys as people have them: SSH keys and PEM, with a passphrase or without."""

import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import BadSignature, Usage
from pipeline_dsl.provenance import keys
from pipeline_dsl.provenance.envelope import opened, sealed, statement
from pipeline_dsl.provenance.library import library
from tests.provenance.released import make_key, public

SAID = statement([{"name": "a", "digest": {"sha256": "0" * 64}}], "pdsl:test", {"fine": True})


def round_trip(private: Path, other: Path) -> None:
    assert opened(sealed(SAID, keys.signer(private)), [keys.verifier(other)], where="here") == SAID


def make(kind: str) -> Any:
    """A private key of the `cryptography` library."""
    asymmetric = "cryptography.hazmat.primitives.asymmetric"
    if kind in ("SECP384R1", "SECP256K1"):
        curves = library(f"{asymmetric}.ec")
        return curves.generate_private_key(getattr(curves, kind)())
    return getattr(library(f"{asymmetric}.{kind.lower()}"), f"{kind}PrivateKey").generate()


def pem(folder: Path, kind: str, passphrase: bytes = b"") -> tuple[Path, Path]:
    known, key = library("cryptography.hazmat.primitives.serialization"), make(kind)
    encryption = known.BestAvailableEncryption(passphrase) if passphrase else known.NoEncryption()
    private, other = folder / "key.pem", folder / "key.pub.pem"
    private.write_bytes(key.private_bytes(known.Encoding.PEM, known.PrivateFormat.PKCS8, encryption))
    other.write_bytes(key.public_key().public_bytes(known.Encoding.PEM, known.PublicFormat.SubjectPublicKeyInfo))
    return private, other


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_an_ssh_key_signs(tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path, kind)
    round_trip(key, public(key))


@pytest.mark.parametrize("kind", ["Ed25519", "SECP384R1"])
def test_a_pem_key_signs(tmp_path: Path, kind: str) -> None:
    round_trip(*pem(tmp_path, kind))


def test_a_key_with_a_passphrase_is_opened_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.PASSPHRASE, "correct horse")
    key = make_key(tmp_path, "ed25519", passphrase="correct horse")
    round_trip(key, public(key))
    round_trip(*pem(tmp_path, "Ed25519", b"correct horse"))


def test_a_wrong_passphrase_is_said_to_be_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.PASSPHRASE, "wrong")
    for key in (
        make_key(tmp_path, "ed25519", passphrase="correct horse"),
        pem(tmp_path, "Ed25519", b"right")[0],
    ):
        with pytest.raises(Usage, match="cannot be opened"):
            keys.signer(key)


def test_without_anybody_to_ask_the_passphrase_is_asked_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.PASSPHRASE, raising=False)
    key = make_key(tmp_path, "ed25519", passphrase="correct horse")
    with pytest.raises(Usage) as error:
        keys.signer(key)
    assert keys.PASSPHRASE in error.value.help


def test_what_is_no_key_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for data in (
        b"",
        b"hello",
        b"\xff\x00",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    ):
        file.write_bytes(data)
        with pytest.raises(Usage):
            keys.signer(file)
        with pytest.raises(Usage):
            keys.verifier(file)
    with pytest.raises(Usage, match="cannot read the key"):
        keys.signer(tmp_path / "nothing")


def test_the_halves_of_a_pair_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    key = make_key(tmp_path, "ed25519")
    with pytest.raises(Usage, match="is a private key"):
        keys.verifier(key)
    with pytest.raises(Usage, match="no private key"):
        keys.signer(public(key))


@pytest.mark.parametrize("kind", ["Ed448", "SECP256K1"])
def test_a_key_of_a_kind_that_nobody_checks_is_refused(tmp_path: Path, kind: str) -> None:
    private, other = pem(tmp_path, kind)
    with pytest.raises(Usage, match="cannot sign"):
        keys.signer(private)
    with pytest.raises(Usage, match="cannot check"):
        keys.verifier(other)


def test_one_of_several_keys_is_enough_and_none_is_not(tmp_path: Path) -> None:
    mine, other = make_key(tmp_path, name="mine"), make_key(tmp_path, name="other")
    data = sealed(SAID, keys.signer(mine))
    assert opened(data, [keys.verifier(public(other)), keys.verifier(public(mine))], where="here") == SAID
    for known in ([keys.verifier(public(other))], []):
        with pytest.raises(BadSignature):
            opened(data, known, where="here")


def test_a_library_that_is_not_there_is_named_with_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    with pytest.raises(Usage) as error:
        keys.signer(key)
    assert error.value.help == "pip install 'pdsl[provenance]'"
