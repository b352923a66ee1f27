"""What is attested, read by the reference libraries alone."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base import digest as digests
from pipeline_dsl.provenance.attestation import plain_digests
from pipeline_dsl.provenance.library import library
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from tests.gates.test_verdict import shipped, shipping
from tests.provenance.released import Released, public


def said(file: Path) -> dict[str, Any]:
    """What a file states, without a look at its signature."""
    return json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))


def test_there_is_one_attestation_a_stage_and_the_verdict_and_the_summary(attested: Released) -> None:
    names = {stage.name for stage in attested.run.plan.stages}
    found = {file.relative_to(attested.folder).as_posix() for file in attested.files()}
    assert found == {f"stages/{name}.intoto.jsonl" for name in names} | {"verdict.intoto.jsonl", "summary.intoto.jsonl"}


def test_every_signature_is_verified_by_securesystemslib(attested: Released) -> None:
    loaded = library("cryptography.hazmat.primitives.serialization").load_ssh_public_key(public(attested.key).read_bytes())
    key = library("securesystemslib.signer").SSlibKey.from_crypto(loaded)
    for file in attested.files():
        envelope = library("securesystemslib.dsse").Envelope.from_dict(json.loads(file.read_bytes()))
        assert envelope.payload_type == "application/vnd.in-toto+json"
        assert list(envelope.verify([key], 1)) == [key.keyid]


def test_every_statement_is_one_of_in_toto_s(attested: Released) -> None:
    for file in attested.files():
        payload = base64.b64decode(json.loads(file.read_bytes())["payload"])
        message = library("in_toto_attestation.v1.statement_pb2").Statement()
        library("google.protobuf.json_format").Parse(payload, message)
        library("in_toto_attestation.v1.statement").Statement.copy_from_pb(message).validate()


def test_a_stage_is_slsa_provenance_that_names_what_went_in(attested: Released) -> None:
    stages = {file.name.partition(".")[0]: said(file) for file in (attested.folder / "stages").iterdir()}
    for name, statement in stages.items():
        assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
        message = library("in_toto_attestation.predicates.provenance.v1.provenance_pb2").Provenance()
        library("google.protobuf.json_format").ParseDict(statement["predicate"], message)
        planned = attested.run.plan.stage(name)
        build = statement["predicate"]["buildDefinition"]
        assert build["externalParameters"]["type"] == planned.type
        assert build["externalParameters"]["fields"] == planned.fields
        inputs = {entry["name"]: entry["digest"] for entry in build["resolvedDependencies"] if "annotations" in entry}
        assert inputs == {parent: stages[parent]["subject"][0]["digest"] for parent in planned.parents}
        code = next(entry for entry in build["resolvedDependencies"] if entry["name"] == "code")
        assert len(code["digest"]["sha256"]) == 64
        details = statement["predicate"]["runDetails"]
        assert details["builder"]["id"] == "pdsl:runner"
        assert details["metadata"]["startedOn"] <= details["metadata"]["finishedOn"]


def test_the_sha256_of_each_file_is_what_sha256sum_prints(attested: Released) -> None:
    store = attested.run.bench.store
    for file in (attested.folder / "stages").iterdir():
        artifact, *files = said(file)["subject"]
        tree = store.tree(f"sha256:{artifact['digest']['sha256']}")
        assert [entry["name"] for entry in files] == [f"{artifact['name']}/{entry.path}" for entry in tree.files]
        paths = [store.blob(entry) for entry in tree.files]
        printed = subprocess.run(["sha256sum", *paths], capture_output=True, text=True, check=True).stdout
        assert [line.split()[0] for line in printed.splitlines()] == [entry["digest"]["sha256"] for entry in files]


def test_a_large_file_has_its_plain_sha256_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SHARD", 1000)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "large").write_bytes(bytes(range(250)) * 10)
    (tmp_path / "made" / "small").write_bytes(b"x")
    store = Store(Layout(tmp_path / ".pdsl"))
    tree = store.verify(store.add(tmp_path / "made", kind="corpus", meta={}, scores={}))
    assert tree.files[0].digest.startswith("sha256-sharded:")
    found = plain_digests(tree, store)
    printed = subprocess.run(["sha256sum", store.blob(tree.files[0])], capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == found["large"] != tree.files[0].digest.partition(":")[2]


def test_the_summary_passes_what_ships_and_names_every_other_file(attested: Released) -> None:
    summary = said(attested.folder / "summary.intoto.jsonl")
    assert summary["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert summary["predicate"]["verificationResult"] == "PASSED"
    assert "PDSL_SHIP" in summary["predicate"]["verifiedLevels"]
    named = {entry["uri"]: entry["digest"]["sha256"] for entry in summary["predicate"]["inputAttestations"]}
    others = [file for file in attested.files() if file.name != "summary.intoto.jsonl"]
    printed = subprocess.run(["sha256sum", *others], capture_output=True, text=True, check=True).stdout
    assert named == {
        file.relative_to(attested.folder).as_posix(): line.split()[0] for file, line in zip(others, printed.splitlines(), strict=True)
    }
    ships = attested.run.plan.ships or ""
    assert summary["subject"] == said(attested.folder / "stages" / f"{ships}.intoto.jsonl")["subject"]


def test_the_verdict_is_attested_whole(attested: Released) -> None:
    verdict = said(attested.folder / "verdict.intoto.jsonl")["predicate"]
    judged = attested.run.judge()
    assert (verdict["decision"], verdict["digest"]) == ("SHIP", judged.digest)
    assert [row["gate"] for row in verdict["verdict"]["rows"]] == [row.gate for row in judged.rows]


def test_a_held_run_is_attested_as_held(tmp_path: Path, key: Path) -> None:
    (tmp_path / "run").mkdir()
    held = Released.of(shipped(tmp_path / "run", shipping(new=30.0)), key, tmp_path / "out")
    assert held.read().decision == "HOLD"
    summary = said(held.folder / "summary.intoto.jsonl")["predicate"]
    assert (summary["verificationResult"], summary["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_a_run_that_ships_nothing_is_attested_about_its_plan(tmp_path: Path, key: Path) -> None:
    (tmp_path / "run").mkdir()
    research = shipped(tmp_path / "run", "pipeline = Pipeline(name='research', targets=[Step(label='a')])")
    found = Released.of(research, key, tmp_path / "out")
    assert found.read().ships == {}
    (subject,) = said(found.folder / "summary.intoto.jsonl")["subject"]
    assert subject["uri"] == f"pdsl:plan/{research.plan.digest}"


def test_a_run_that_is_not_finished_is_attested_as_far_as_it_is(tmp_path: Path, key: Path) -> None:
    (tmp_path / "run").mkdir()
    part = shipped(tmp_path / "run", shipping(), only=frozenset({"01_step"}))
    found = Released.of(part, key, tmp_path / "out").read()
    assert (set(found.subjects), found.decision) == ({"01_step"}, "HOLD")
