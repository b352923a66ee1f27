"""Signatures of statements, by OpenSSH: `ssh-keygen -Y sign` and `-Y verify`, so that keys, agents and security keys work as ever.

What is signed is a statement's canonical bytes, in a namespace that says what for: a signature under an override is none under
an exception. Source: PROTOCOL.sshsig of OpenSSH.
"""

import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.fault import BadSignature, NotAllowed, Usage
from pipeline_dsl.gates.policy import Person

OVERRIDE = "pdsl-override@v1"
BOOTSTRAP = "pdsl-bootstrap@v1"
EXCEPTION = "pdsl-exception@v1"
PURPOSES = (OVERRIDE, BOOTSTRAP, EXCEPTION)
"""An exception to a gate, a first release, an exception to contamination."""

_LIMIT = 64 * 1024


def sign(statement: Mapping[str, Any], purpose: str, key: Path | None = None) -> str:
    """The signature of a statement, armored; ssh-keygen asks for a passphrase, or an agent, where the key needs it.

    `key` is a private key, or the public half of one that an agent holds; without one it is git's `user.signingkey`, else
    `~/.ssh/id_ed25519`.
    Raises: Usage if there is no such key, it cannot sign, or ssh-keygen is not installed.
    """
    with _key(key) as file:
        ended = _ssh_keygen("sign", "-f", str(file), "-n", purpose, message=spell(statement))
    if ended.returncode != 0:
        raise Usage(f"cannot sign with {key or file}: {_said(ended)}", help="name a private SSH key with --key, or load it with ssh-add")
    return ended.stdout.decode()


def verify(statement: Mapping[str, Any], signature: str, purpose: str, person: Person) -> None:
    """Make sure that a person signed this statement for this purpose, with one of the keys that the policy says are theirs.

    Raises: BadSignature if the signature is none, or of other bytes or another purpose; NotAllowed if it is by another key; Usage
    if ssh-keygen is not installed.
    """
    check_whole(statement, signature, purpose)
    with tempfile.TemporaryDirectory() as folder:
        file, allowed = Path(folder, "signature"), Path(folder, "allowed")
        file.write_text(signature)
        # the person is called `signer` here: a name is a pattern to ssh-keygen, and could match more than itself
        allowed.write_text("".join(f'signer namespaces="{purpose}" {key}\n' for key in person.keys))
        ended = _ssh_keygen("verify", "-f", str(allowed), "-I", "signer", "-n", purpose, "-s", str(file), message=spell(statement))
    if ended.returncode != 0:
        raise NotAllowed(
            f"this is not signed by a key that the policy has for {person.name}", help="sign with that person's key: --key FILE"
        )


def check_whole(statement: Mapping[str, Any], signature: str, purpose: str) -> None:
    """Make sure that a signature is of this statement and purpose, by whatever key.

    Raises: BadSignature; Usage if ssh-keygen is not installed.
    """
    if purpose not in PURPOSES:
        raise BadSignature(f"nothing is signed as {purpose!r:.60}")
    if len(signature) > _LIMIT or not signature.isascii():
        raise BadSignature("what stands for a signature is none")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "signature")
        file.write_text(signature)
        ended = _ssh_keygen("check-novalidate", "-n", purpose, "-s", str(file), message=spell(statement))
    if ended.returncode != 0:
        raise BadSignature(f"the signature does not match what it stands beside: {_said(ended)}", help="it, or the statement, was edited")


@contextmanager
def _key(given: Path | None) -> Generator[Path]:
    """The file of the key to sign with."""
    if given is not None:
        if not given.expanduser().is_file():
            raise Usage(f"there is no key {given}")
        yield given.expanduser()
        return
    configured = _git("user.signingkey") if _git("gpg.format") == "ssh" else None
    literal = configured.removeprefix("key::") if configured else ""
    if literal.startswith(("ssh-", "sk-", "ecdsa-")):  # the public key itself: an agent has the private one
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "key.pub")
            file.write_text(literal + "\n")
            yield file
        return
    file = Path(configured or "~/.ssh/id_ed25519").expanduser()
    if not file.is_file():
        raise Usage(
            f"there is no key to sign with: {file} is not there",
            help="name one with --key, or make one: ssh-keygen -t ed25519, and add its .pub line to the policy",
        )
    yield file


def _git(name: str) -> str | None:
    try:
        found = subprocess.run(["git", "config", name], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _ssh_keygen(action: str, *words: str, message: bytes) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", action, *words], input=message, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError as error:
        raise Usage(
            "signatures need `ssh-keygen`, which is not installed", help="apt-get install openssh-client (Debian), dnf install openssh"
        ) from error


def _said(ended: "subprocess.CompletedProcess[bytes]") -> str:
    lines = [line for line in ended.stderr.decode("utf-8", "replace").splitlines() if line and not line.startswith("Signing data")]
    return "; ".join(lines) or f"ssh-keygen ended with {ended.returncode}"
