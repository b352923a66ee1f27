"""A statement in a signed envelope, and out of it again.

Source: DSSE (secure-systems-lab/dsse, protocol 1.0); in-toto Attestation Framework, Statement v1.
"""

import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.fault import BadSignature
from pipeline_dsl.provenance.library import library

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"


def statement(subjects: Sequence[Mapping[str, Any]], predicate_type: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    """An in-toto statement: what is said (`predicate`) of which bytes (`subjects`)."""
    return {"_type": STATEMENT, "subject": list(subjects), "predicateType": predicate_type, "predicate": predicate}


def sealed(said: Mapping[str, Any], signer: Any) -> bytes:
    """A statement as the one line of its file, signed."""
    envelope = library("securesystemslib.dsse").Envelope(spell(said), PAYLOAD, {})
    envelope.sign(signer)
    return spell(envelope.to_dict()) + b"\n"


def opened(data: bytes, keys: Sequence[Any], *, where: str) -> dict[str, Any]:
    """The statement in a file, once one of `keys` is found to have signed it.

    Raises: BadSignature if nobody known signed these very bytes, or what they signed is no in-toto statement.
    """
    exceptions = library("securesystemslib.exceptions")
    dsse = library("securesystemslib.dsse")
    try:
        envelope = dsse.Envelope.from_dict(json.loads(data))
        if spell(envelope.to_dict()) + b"\n" != data:  # a reader may be lax about base64 and spaces, a checker may not
            raise BadSignature(f"{where} is not spelled as it was written", help=_AGAIN)
        envelope.verify(list(keys), 1)
    except exceptions.VerificationError as error:
        raise BadSignature(f"{where} is not signed by a key that was given, or was changed since", help=_AGAIN) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise BadSignature(f"{where} is no signed envelope any more: {error}", help=_AGAIN) from error
    if envelope.payload_type != PAYLOAD:
        raise BadSignature(f"{where} holds {envelope.payload_type!r:.80}, not an in-toto statement")
    return _checked(envelope.payload, where)


def _checked(payload: bytes, where: str) -> dict[str, Any]:
    """A payload, read by the reference library and by ourselves: its numbers are doubles, and ours are not."""
    json_format = library("google.protobuf.json_format")
    reference = library("in_toto_attestation.v1.statement")
    wire = library("in_toto_attestation.v1.statement_pb2")
    try:
        reference.Statement.copy_from_pb(json_format.Parse(payload, wire.Statement())).validate()
        return cast("dict[str, Any]", json.loads(payload))
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise BadSignature(f"{where} is signed, and no in-toto statement: {error}") from error


def predicate(said: Mapping[str, Any], predicate_type: str, message: str, *, where: str) -> Mapping[str, Any]:
    """The predicate of a statement, which must be of a type, and fit the reference library's `module:Message` of it, if there is one.

    Raises: BadSignature.
    """
    if said["predicateType"] != predicate_type:
        raise BadSignature(f"{where} says {said['predicateType']!r:.100}, not {predicate_type}")
    found = cast("Mapping[str, Any]", said["predicate"])
    module, _, name = message.partition(":")
    if module:
        json_format = library("google.protobuf.json_format")
        # The specification has a list of levels, the library one text: https://github.com/in-toto/attestation/issues/425
        fits = {key: value for key, value in found.items() if key != "verifiedLevels"}
        try:
            json_format.ParseDict(fits, getattr(library(module), name)())
        except json_format.ParseError as error:
            raise BadSignature(f"{where} is no {name}: {error}") from error
    return found


_AGAIN = "get the attestations again from whoever made them, or give the key that they were signed with"
