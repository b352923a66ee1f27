"""The signature of a model's folder, as the OpenSSF's model signing has it: one file that `model_signing verify` reads.

Source: OpenSSF Model Signing specification v1.0 (a sigstore bundle with a DSSE envelope around an in-toto statement of all files).
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import BadSignature, Usage
from pipeline_dsl.provenance.keys import private_key, public_key
from pipeline_dsl.provenance.library import library

SIGNATURE = "model.sig"
_GIT = (".git", ".gitattributes", ".github", ".gitignore")
"""What the library leaves out unless told otherwise: so is what we sign, unless the model itself has such files."""


def signing_key(path: Path) -> bytes:
    """The private key in a file as PEM, opened, once it is known to be one that can sign models.

    Raises: Usage for a key that is not ECDSA on P-256, P-384 or P-521, which is all that the specification's key signatures have.
    """
    secret = private_key(path)
    serialization = library("cryptography.hazmat.primitives.serialization")
    pem: bytes = secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with _in_memory(pem) as file, _ecdsa(path):
        library("model_signing.signing").Config().use_elliptic_key_signer(private_key=file)
    return pem


def sign(folder: Path, pem: bytes) -> None:
    """Sign every file in a folder with what `signing_key` gave, and put the signature beside them as `model.sig`.

    Raises: Usage if the model has a file of that name.
    """
    if (folder / SIGNATURE).exists():
        raise Usage(f"the model has a {SIGNATURE} of its own, which a signature would overwrite")
    with _in_memory(pem) as file:
        config = library("model_signing.signing").Config().use_elliptic_key_signer(private_key=file)
        config.set_hashing_config(_hashing(ignore_git_paths=not any((folder / name).exists() for name in _GIT))).sign(
            folder, folder / SIGNATURE
        )


def verify(folder: Path, key: Path) -> None:
    """Check a folder against its `model.sig`.

    Raises: Usage for a key of another kind; BadSignature if a file was changed, added or removed, or the key is another.
    """
    serialization = library("cryptography.hazmat.primitives.serialization")
    pem = public_key(key).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with _in_memory(pem) as path:
        with _ecdsa(key):
            config = library("model_signing.verifying").Config().use_elliptic_key_verifier(public_key=path)
        try:
            config.set_hashing_config(_hashing(ignore_git_paths=False)).verify(folder, folder / SIGNATURE)
            written = (folder / SIGNATURE).read_text(encoding="utf-8")
            if library("sigstore_models.bundle.v1").Bundle.from_json(written).to_json() != written:
                raise ValueError("it is not spelled as it was written")
        except Exception as error:  # it lets the errors of its parsers and of its cryptography through, of many classes
            raise BadSignature(f"{folder / SIGNATURE} is no signature of {folder}: {error or type(error).__name__}") from error


def _hashing(*, ignore_git_paths: bool) -> Any:
    """Every file but the signature itself. What a signature says to have left out, such as the files of a clone, may be there."""
    return library("model_signing.hashing").Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=ignore_git_paths)


@contextmanager
def _ecdsa(key: Path) -> Generator[None]:
    try:
        yield
    except (ValueError, AttributeError) as error:
        raise Usage(
            f"{key} cannot sign models: OpenSSF model signing takes ECDSA keys on P-256, P-384 or P-521",
            help="make one with `ssh-keygen -t ecdsa -f KEY`; it signs attestations as well",
        ) from error


@contextmanager
def _in_memory(data: bytes) -> Generator[str]:
    """A path at which `data` can be read while this lasts, and that is on no disk: it may be an opened private key."""
    descriptor = os.memfd_create("key")
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
