"""Keys in files: SSH keys and PEM, Ed25519, ECDSA or RSA."""

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.provenance.library import library

PASSPHRASE = "PDSL_KEY_PASSPHRASE"
"""The environment variable with the passphrase of a key, for where nobody can be asked."""

_MAKE = "`ssh-keygen -t ecdsa -f KEY` makes a pair that signs models too, `-t ed25519` one for attestations alone"


def private_key(path: Path) -> Any:
    """The private key in a file, as the `cryptography` library has it.

    Raises: Usage if there is none, if it is of a kind that cannot sign here, or if its passphrase is not known.
    """
    data = _read(path)
    try:
        return _load(data, None)
    except TypeError:  # how the library says that it is encrypted
        return _load(data, _passphrase(path).encode(), path)
    except ValueError as error:
        raise Usage(f"{path} holds no private key that can be read: {error}", help=_MAKE) from error


def _load(data: bytes, password: bytes | None, path: Path | None = None) -> Any:
    serialization = library("cryptography.hazmat.primitives.serialization")
    unsupported = library("cryptography.exceptions").UnsupportedAlgorithm
    try:
        if b"-----BEGIN OPENSSH" in data:
            return serialization.load_ssh_private_key(data, password)
        return serialization.load_pem_private_key(data, password)
    except unsupported as error:
        raise ValueError(str(error)) from error
    except ValueError as error:
        if path is None:
            raise
        raise Usage(f"{path} cannot be opened: {error}", help="is the passphrase right?") from error


def _passphrase(path: Path) -> str:
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise Usage(f"{path} has a passphrase, and nobody can be asked for it", help=f"put it into the environment as {PASSPHRASE}")
    return getpass(f"passphrase of {path}: ")


def public_key(path: Path) -> Any:
    """The public key in a file, as the `cryptography` library has it: an SSH public key (`KEY.pub`) or PEM.

    Raises: Usage.
    """
    data = _read(path)
    serialization = library("cryptography.hazmat.primitives.serialization")
    unsupported = library("cryptography.exceptions").UnsupportedAlgorithm
    if b"PRIVATE KEY-----" in data:
        raise Usage(f"{path} is a private key, which checks nothing and should not travel", help="give its public half, KEY.pub")
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return serialization.load_pem_public_key(data)
        return serialization.load_ssh_public_key(data.strip())
    except (ValueError, unsupported) as error:
        raise Usage(f"{path} holds no public key that can be read: {error}", help="give KEY.pub of an SSH key, or PEM") from error


def signer(path: Path) -> Any:
    """A `securesystemslib` signer with the private key in a file.

    Raises: Usage.
    """
    key = private_key(path)
    try:
        return library("securesystemslib.signer").CryptoSigner(key)
    except ValueError as error:
        raise Usage(f"{path} cannot sign attestations: {error}", help=_MAKE) from error


def verifier(path: Path) -> Any:
    """A `securesystemslib` key with the public key in a file.

    Raises: Usage.
    """
    key = public_key(path)
    try:
        return library("securesystemslib.signer").SSlibKey.from_crypto(key)
    except ValueError as error:
        raise Usage(f"{path} cannot check attestations: {error}", help="give an Ed25519, ECDSA or RSA key") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Usage(f"cannot read the key {path}: {error.strerror}", help=_MAKE) from error
