"""Attestations, checked by who got them: signatures, the chain from artifact to artifact, and the bytes they are about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.digest import digest_bytes, digest_plain, short
from pipeline_dsl.base.fault import BadSignature, DigestMismatch, MissingArtifact, UnsafePath, Usage
from pipeline_dsl.plan.plan import definition, leaves, reshape
from pipeline_dsl.provenance import statement, summary
from pipeline_dsl.provenance.attestation import SUMMARY, VERDICT, plain_digests, stage_file
from pipeline_dsl.provenance.envelope import opened, predicate
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import files_under


@attrs.frozen(kw_only=True)
class Attestations:
    """The attestations of a run whose signatures and chain hold: subjects (sha256 by name) a stage, and what was decided.

    `ships` names the stages whose artifacts are let out, see `provenance/shipped.py`.
    """

    subjects: Mapping[str, Mapping[str, str]]
    decision: str
    verdict: str
    pipeline: str
    ships: Mapping[str, str]
    overrides: tuple[Mapping[str, Any], ...]
    """What was signed for each gate that does not pass, as `gates/override.py` has it."""


def read(folder: Path, keys: Sequence[Any]) -> Attestations:
    """The attestations in a folder, each signed by one of `keys`, complete, and fitting together.

    Raises: Usage if the folder holds none; BadSignature or DigestMismatch, naming the file that is missing, was added, changed,
    signed by somebody else, or contradicts another.
    """
    try:
        return _fitting(folder, keys)
    except (KeyError, TypeError, IndexError, AttributeError) as error:  # signed, and about something else than a run of pdsl
        raise BadSignature(f"an attestation in {folder} does not say what it should: {error!r}") from error


def _fitting(folder: Path, keys: Sequence[Any]) -> Attestations:
    if not (folder / SUMMARY).is_file():
        raise Usage(f"{folder} holds no {SUMMARY}, so no attestations of a run", help="write some with `pdsl attest --out DIR --key KEY`")
    where = {path: str(file) for path, file in _listed(folder)}
    summed = opened((folder / SUMMARY).read_bytes(), keys, where=where[SUMMARY])
    final = predicate(summed, summary.SUMMARY, summary.MESSAGE, where=where[SUMMARY])
    files = _named(final, folder, where)  # nothing is read that a verified summary does not name
    said = {path: opened(data, keys, where=where[path]) for path, data in files.items()}
    verdict = predicate(said[VERDICT], summary.VERDICT, "", where=where[VERDICT])
    stages: dict[str, Mapping[str, Any]] = {}
    subjects: dict[str, dict[str, str]] = {}
    for path in sorted(files.keys() - {VERDICT}):
        build = predicate(said[path], statement.PROVENANCE, statement.MESSAGE, where=where[path])
        name = str(build["buildDefinition"]["externalParameters"]["stage"])
        if stage_file(name) != path:
            raise DigestMismatch(f"{where[path]} is about the stage `{name}`")
        stages[name], subjects[name] = build, _subjects(said[path])
    for name, build in stages.items():
        _chained(name, build, subjects, where[stage_file(name)])
    _decided(final, verdict, stages, subjects, where)
    return Attestations(
        subjects=subjects,
        decision=str(verdict["decision"]),
        verdict=str(verdict["digest"]),
        pipeline=str(verdict["verdict"]["pipeline"]),
        ships=verdict["ships"],
        overrides=tuple(entry["signed"]["statement"] for entry in verdict["overrides"]),
    )


def _listed(folder: Path) -> list[tuple[str, Path]]:
    """The files in a folder that somebody got, as (path inside it, file)."""
    try:
        return list(files_under(folder))
    except UnsafePath as fault:
        raise DigestMismatch(f"in {folder}, {fault.message}, and not what was attested", help="get it again as files") from fault


def _named(final: Mapping[str, Any], folder: Path, where: Mapping[str, str]) -> dict[str, bytes]:
    """The files that a summary names: all are there, with the bytes that it names, and no others."""
    named = {str(entry["uri"]): str(entry["digest"]["sha256"]) for entry in final["inputAttestations"]}
    for path in sorted({VERDICT, *named} - where.keys()):
        raise DigestMismatch(f"{folder / path} is missing")
    for path in sorted(where.keys() - {SUMMARY, *named}):
        raise DigestMismatch(f"{where[path]} was added: {where[SUMMARY]} does not name it", help="remove it, if it is yours")
    files = {path: Path(where[path]).read_bytes() for path in named}
    for path, data in files.items():
        if tail(digest_bytes(data)) != named[path]:
            raise DigestMismatch(f"{where[path]} is not the file that {where[SUMMARY]} names", help="get it again from whoever made it")
    return files


def _subjects(said: Mapping[str, Any]) -> dict[str, str]:
    return {str(subject["name"]): str(subject["digest"]["sha256"]) for subject in said["subject"]}


def _chained(name: str, build: Mapping[str, Any], subjects: Mapping[str, Mapping[str, str]], where: str) -> None:
    """What a stage read is what its parents' attestations are about, and with its recipe gives the action that was run."""
    asked = build["buildDefinition"]["externalParameters"]
    depends = {
        str(entry["annotations"]["input"]): entry for entry in build["buildDefinition"]["resolvedDependencies"] if "annotations" in entry
    }
    made = {parent: f"sha256:{found[parent]}" for parent, found in subjects.items()}
    for field, shape in cast("Mapping[str, Any]", asked["inputs"]).items():
        unknown = [parent for parent in leaves(shape) if parent not in made]
        if unknown:
            raise DigestMismatch(f"{where}: `{field}` reads `{unknown[0]}`, which no attestation here is about")
        for place, parent, digest in statement.pairs(field, shape, reshape(shape, made)):
            if depends.pop(place, {}).get("digest") != {"sha256": tail(digest)}:
                raise DigestMismatch(f"{where}: `{place}` is not what the attestation of `{parent}` is about, {short(digest)}")
    if depends:
        raise DigestMismatch(f"{where}: it depends on `{next(iter(depends))}`, which is no input of `{name}`")
    inputs = {field: reshape(shape, made) for field, shape in asked["inputs"].items()}
    key = definition(asked["type"], asked["version"], asked["fields"], inputs)
    if key != build["runDetails"]["metadata"]["invocationId"]:
        raise DigestMismatch(f"{where}: its recipe and inputs give the action {short(key)}, not the one that was run")


def _decided(
    final: Mapping[str, Any],
    said: Mapping[str, Any],
    stages: Mapping[str, Mapping[str, Any]],
    subjects: Mapping[str, Mapping[str, str]],
    where: Mapping[str, str],
) -> None:
    """The summary says what the verdict says, and the verdict is about these very stages."""
    verdict = said["verdict"]
    if digest_plain(verdict) != said["digest"]:
        raise DigestMismatch(f"{where[VERDICT]}: its verdict is not {short(said['digest'])}")
    records = {name: f"sha256:{build['runDetails']['byproducts'][0]['digest']['sha256']}" for name, build in stages.items()}
    if verdict["records"] != records:
        raise DigestMismatch(f"{where[VERDICT]}: the verdict is about other stages than are attested")
    ships = said["ships"]
    if ships and verdict["artifact"] != f"sha256:{subjects[ships['artifact']][ships['artifact']]}":
        raise DigestMismatch(f"{where[VERDICT]}: the verdict is about another artifact than `{ships['artifact']}`")
    passed = final["verificationResult"] == "PASSED"
    if passed != (said["decision"] != "HOLD") or final["policy"]["digest"]["sha256"] != tail(verdict["plan"]):
        raise DigestMismatch(f"{where[SUMMARY]}: it says otherwise than the verdict")


def check_store(found: Attestations, store: Store) -> int:
    """Read every artifact that is attested in a store, and hold its bytes against the attestations; the bytes that were read.

    Raises: MissingArtifact; DigestMismatch, naming the file.
    """
    size = 0
    for name, subjects in found.subjects.items():
        tree = store.verify(f"sha256:{subjects[name]}")
        files = {f"{name}/{path}": digest for path, digest in plain_digests(tree, store).items()}
        _same(files, {path: digest for path, digest in subjects.items() if path != name}, f"the {tree.kind} in the store")
        size += tree.size
    return size


def check_folder(found: Attestations, folder: Path, beside: frozenset[str]) -> int:
    """Hold a folder against the attested model that ships; `beside` are files that may lie there and are no part of it.

    Raises: Usage if no model ships; DigestMismatch or MissingArtifact, naming the file.
    """
    import hashlib

    if not folder.is_dir():
        raise Usage(f"there is no folder {folder}", help="name what `pdsl export --out` wrote")
    stage = found.ships.get("model")
    if stage is None:
        raise Usage("these attestations are about a run that ships no model", help="check its store instead: --store .pdsl")
    wanted = {path.removeprefix(f"{stage}/"): digest for path, digest in found.subjects[stage].items() if path != stage}
    files: dict[str, str] = {}
    size = 0
    for path, file in _listed(folder):
        if path in wanted or path not in beside:
            with file.open("rb") as stream:
                files[path] = hashlib.file_digest(stream, "sha256").hexdigest()
            size += file.stat().st_size
    _same(files, wanted, str(folder))
    return size


def _same(files: Mapping[str, str], wanted: Mapping[str, str], where: str) -> None:
    for path in sorted(files.keys() | wanted.keys()):
        if path not in files:
            raise MissingArtifact(f"`{path}` is attested, and missing in {where}", help="get it again from whoever made it")
        if path not in wanted:
            raise DigestMismatch(f"`{path}` in {where} is attested by nobody", help="remove it, if it is yours")
        if files[path] != wanted[path]:
            raise DigestMismatch(f"`{path}` in {where} has sha256 {files[path]}, attested is {wanted[path]}", help="get it again")
