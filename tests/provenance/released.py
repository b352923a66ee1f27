"""A finished run, keys to sign it with, and its attestations as files."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs

from pipeline_dsl.gates.decision import Decision, decide_run
from pipeline_dsl.provenance import keys
from pipeline_dsl.provenance.attestation import attest
from pipeline_dsl.provenance.verification import Attestations, read
from tests.gates.test_verdict import Shipped


def make_key(folder: Path, kind: str = "ecdsa", name: str = "", passphrase: str = "") -> Path:
    """A new private SSH key; its public half is beside it, as `.pub`."""
    file = folder / (name or kind)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *(("-b", "2048") if kind == "rsa" else ()), "-N", passphrase, "-C", "", "-f", str(file)],
        check=True,
        timeout=60,
    )
    return file


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def decided(run: Shipped) -> Decision:
    """What is decided about a run that nobody overrode."""
    return decide_run(run.run(), run.judge(), None, datetime.now(UTC))


@attrs.frozen
class Released:
    """A run, attested in a folder by a key."""

    run: Shipped
    key: Path
    folder: Path

    @classmethod
    def of(cls, run: Shipped, key: Path, folder: Path) -> "Released":
        found = attest(run.run(), decided(run), keys.signer(key), builder="pdsl:runner", when="2026-01-01T00:00:00Z")
        put(found.files, folder)
        return cls(run, key, folder)

    def read(self, key: Path | None = None) -> Attestations:
        return read(self.folder, [keys.verifier(public(key or self.key))])

    def files(self) -> list[Path]:
        return sorted(file for file in self.folder.rglob("*") if file.is_file())


def put(files: Mapping[str, bytes], folder: Path) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def flipped(data: bytes, place: int) -> bytes:
    """The bytes with one of them changed."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
