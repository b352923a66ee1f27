"""Whoever has the public key finds out what was changed, added, taken away or mixed up."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.base.fault import BadSignature, Fault, MissingArtifact, Usage
from pipeline_dsl.provenance import keys
from pipeline_dsl.provenance.envelope import sealed
from pipeline_dsl.provenance.verification import check_folder, check_store
from tests.gates.test_verdict import shipped, shipping
from tests.provenance.released import Released, flipped, make_key

STEP = 13
"""Every so many bytes are tried: prime, so that all kinds of places are met."""


def refused(released: Released, *, naming: str) -> Fault:
    with pytest.raises(Fault) as error:
        released.read()
    assert error.value.exit == 4, error.value
    assert naming in error.value.message
    return error.value


def test_what_was_written_is_right(attested: Released) -> None:
    found = attested.read()
    assert (found.decision, found.verdict) == ("SHIP", attested.run.judge().digest)
    assert check_store(found, attested.run.bench.store) > 0


def test_every_changed_byte_of_an_attestation_is_found(released: Released) -> None:
    tried = 0
    for number, file in enumerate(released.files()):
        data = file.read_bytes()
        for place in {*range(number, len(data), STEP), *range(len(data) - 8, len(data))}:
            file.write_bytes(flipped(data, place))
            refused(released, naming=file.name)
            tried += 1
        file.write_bytes(data)
    assert tried > 1000
    released.read()


def test_another_spelling_of_the_same_is_found(released: Released) -> None:
    file = released.folder / "summary.intoto.jsonl"
    data = file.read_bytes()
    sloppy = [
        json.dumps(json.loads(data), indent=1).encode(),
        data + b"\n",
        data.strip(),
        data.replace(b'"payload":"', b'"payload":"\\u000a'),
    ]
    for other in sloppy:
        file.write_bytes(other)
        refused(released, naming="summary.intoto.jsonl")


def test_every_changed_file_of_an_artifact_is_found(released: Released) -> None:
    found, store = released.read(), released.run.bench.store
    for stage, subjects in found.subjects.items():
        for entry in store.tree(f"sha256:{subjects[stage]}").files:
            if not entry.size:
                continue
            blob = store.blob(entry)
            data = blob.read_bytes()
            blob.chmod(0o644)
            for place in {0, entry.size // 2, entry.size - 1}:
                blob.write_bytes(flipped(data, place))
                with pytest.raises(Fault, match=f"`{entry.path}`") as error:
                    check_store(found, store)
                assert error.value.exit == 4
            blob.write_bytes(data)
    check_store(found, store)


def test_an_artifact_that_is_gone_is_found(released: Released) -> None:
    store = released.run.bench.store
    next(store.files("trees")).unlink()
    with pytest.raises(MissingArtifact):
        check_store(released.read(), store)


@pytest.mark.parametrize("name", ["verdict.intoto.jsonl", "stages/01_step.intoto.jsonl"])
def test_an_attestation_that_was_taken_away_is_missed(released: Released, name: str) -> None:
    (released.folder / name).unlink()
    refused(released, naming=name)


def test_a_folder_without_a_summary_holds_no_attestations(released: Released) -> None:
    (released.folder / "summary.intoto.jsonl").unlink()
    with pytest.raises(Usage, match="holds no summary"):
        released.read()


@pytest.mark.parametrize("name", ["stages/02_more.intoto.jsonl", "more.intoto.jsonl", "notes.txt"])
def test_what_was_added_is_found(released: Released, name: str) -> None:
    shutil.copy(released.folder / "stages" / "01_step.intoto.jsonl", released.folder / name)
    assert "was added" in refused(released, naming=name).message


def test_a_file_that_is_no_part_of_it_is_not_even_read(released: Released) -> None:
    with (released.folder / "huge").open("wb") as stream:
        stream.truncate(2**40)  # more than any memory
    refused(released, naming="huge")


def test_a_link_is_refused(released: Released) -> None:
    file = released.folder / "verdict.intoto.jsonl"
    file.rename(released.folder.parent / "moved")
    file.symlink_to(released.folder.parent / "moved")
    refused(released, naming="is a link")


def test_two_attestations_that_changed_places_are_found(released: Released) -> None:
    one, other, *_ = sorted((released.folder / "stages").iterdir())
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    refused(released, naming=one.name)


def test_another_s_key_is_refused(released: Released, tmp_path: Path) -> None:
    other = make_key(tmp_path, name="other")
    with pytest.raises(BadSignature, match="not signed by a key that was given"):
        released.read(other)


def test_attestations_signed_again_by_somebody_else_are_refused(released: Released, tmp_path: Path) -> None:
    forged = Released.of(released.run, make_key(tmp_path, name="forger"), tmp_path / "forged")
    (released.folder / "summary.intoto.jsonl").write_bytes((forged.folder / "summary.intoto.jsonl").read_bytes())
    refused(released, naming="summary.intoto.jsonl")


def test_another_run_s_attestation_is_refused(released: Released, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Released.of(shipped(tmp_path / "other", shipping(label="another")), released.key, tmp_path / "others")
    for name in ("stages/01_step.intoto.jsonl", "verdict.intoto.jsonl"):
        before = (released.folder / name).read_bytes()
        (released.folder / name).write_bytes((other.folder / name).read_bytes())
        if before != (released.folder / name).read_bytes():
            refused(released, naming=name)
        (released.folder / name).write_bytes(before)


def signed_anew(released: Released, name: str, change: Callable[[Any], None]) -> None:
    """Change what an attestation says, and sign it and the summary with the right key: what a careless signer would do."""
    signer = keys.signer(released.key)
    said: dict[str, Any] = {}
    for file in released.files():
        said[file.relative_to(released.folder).as_posix()] = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    change(said[name])
    (released.folder / name).write_bytes(sealed(said[name], signer))
    if name != "summary.intoto.jsonl":
        for entry in said["summary.intoto.jsonl"]["predicate"]["inputAttestations"]:
            entry["digest"]["sha256"] = digest_bytes((released.folder / entry["uri"]).read_bytes()).partition(":")[2]
        (released.folder / "summary.intoto.jsonl").write_bytes(sealed(said["summary.intoto.jsonl"], signer))


ZERO = "0" * 64
EXAM = "stages/04_exam.intoto.jsonl"


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
        for key in parents:
            data = data[key]
        data[last] = value

    return change


def drop_input(data: Any) -> None:
    depends = data["predicate"]["buildDefinition"]["resolvedDependencies"]
    depends[:] = [entry for entry in depends if "annotations" not in entry]


CONTRADICTIONS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "a material": (EXAM, put("predicate/buildDefinition/resolvedDependencies/0/digest/sha256", ZERO)),
    "no material": (EXAM, drop_input),
    "a field": (EXAM, put("predicate/buildDefinition/externalParameters/fields/mmlu", 99.0)),
    "a version": (EXAM, put("predicate/buildDefinition/externalParameters/version", 2)),
    "a parent": (EXAM, put("predicate/buildDefinition/externalParameters/inputs/model", "99_step")),
    "a name": (EXAM, put("predicate/buildDefinition/externalParameters/stage", "other")),
    "an artifact": ("stages/01_step.intoto.jsonl", put("subject/0/digest/sha256", ZERO)),
    "a record": (EXAM, put("predicate/runDetails/byproducts/0/digest/sha256", ZERO)),
    "the type": (EXAM, put("predicateType", "https://slsa.dev/provenance/v0.2")),
    "the verdict": ("verdict.intoto.jsonl", put("predicate/verdict/rows/0/value", 99.0)),
    "the decision": ("verdict.intoto.jsonl", put("predicate/decision", "HOLD")),
    "the summary": ("summary.intoto.jsonl", put("predicate/verificationResult", "FAILED")),
    "the policy": ("summary.intoto.jsonl", put("predicate/policy/digest/sha256", ZERO)),
    "no predicate": (EXAM, put("predicate", {})),
    "no subject": (EXAM, put("subject", [])),
    "a strange predicate": (EXAM, put("predicate", {"buildDefinition": {"buildType": 7}})),
    "half a predicate": ("verdict.intoto.jsonl", put("predicate", {"decision": "SHIP"})),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_what_contradicts_itself_is_refused_whoever_signed_it(released: Released, what: str) -> None:
    signed_anew(released, *CONTRADICTIONS[what])
    refused(released, naming="")


def test_signed_anew_and_unchanged_is_right(released: Released) -> None:
    signed_anew(released, EXAM, lambda data: None)
    released.read()


def test_an_envelope_around_something_else_is_refused(released: Released) -> None:
    file = released.folder / "summary.intoto.jsonl"
    for said in ({"_type": "https://in-toto.io/Statement/v0.1"}, {}, {"a": [1] * 5}):
        file.write_bytes(sealed(said, keys.signer(released.key)))
        refused(released, naming="summary.intoto.jsonl")
    for data in (
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"payload": 3}',
        b"[" * 100_000,
        spell({"payload": "", "payloadType": "x", "signatures": []}) + b"\n",
    ):
        file.write_bytes(data)
        refused(released, naming="summary.intoto.jsonl")


# A model that somebody got.


def copied(released: Released, folder: Path) -> Path:
    store, ships = released.run.bench.store, released.run.plan.ships or ""
    tree = store.tree(f"sha256:{released.read().subjects[ships][ships]}")
    for entry in tree.files:
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store.blob(entry), folder / entry.path)
    return folder


def test_a_model_that_arrived_whole_is_as_attested(attested: Released, tmp_path: Path) -> None:
    model = copied(attested, tmp_path / "model")
    (model / "README.md").write_text("a card")
    assert check_folder(attested.read(), model, frozenset({"README.md"})) > 0


@pytest.mark.parametrize("what", ["changed", "added", "gone"])
def test_a_model_that_did_not_is_refused(attested: Released, tmp_path: Path, what: str) -> None:
    model = copied(attested, tmp_path / "model")
    file = model / ("a.jsonl" if what != "added" else "extra.py")
    if what == "gone":
        file.unlink()
    else:
        file.write_bytes(flipped(file.read_bytes(), 3) if file.exists() else b"import os")
    with pytest.raises(Fault, match=f"`{file.name}`") as error:
        check_folder(attested.read(), model, frozenset({"README.md"}))
    assert error.value.exit == 4
