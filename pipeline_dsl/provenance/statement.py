"""How one artifact came to be, as SLSA provenance.

Subjects are the artifact's files, each with the sha256 that `sha256sum` prints, and the artifact itself, whose digest is the
sha256 of its tree in the store. Dependencies are the artifacts that it was made of, the stage's code and the commit. What the
stage is (type, version, fields, inputs) is spelled as in its action key, so that who checks can compute the key again.

Source: SLSA provenance v1 (slsa.dev/spec/v1.0/provenance); in-toto Statement v1.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.provenance.envelope import statement
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.tree import Tree

PROVENANCE = "https://slsa.dev/provenance/v1"
MESSAGE = "in_toto_attestation.predicates.provenance.v1.provenance_pb2:Provenance"
BUILD_TYPE = "pdsl:stage/v1"
BUILDER = "pdsl:runner"
"""Who ran it, if nobody says more."""


@attrs.frozen(kw_only=True)
class Made:
    """A finished stage: what was planned, what was recorded, what it made, and each file's plain sha256 by its path."""

    stage: PlannedStage
    record: Record
    tree: Tree
    files: Mapping[str, str]


def subjects(made: Made) -> list[dict[str, Any]]:
    """What an attestation about an artifact is about: the artifact, then each of its files."""
    found = [artifact(made.stage.name, made.record.output)]
    for entry in made.tree.files:
        subject: dict[str, Any] = {"name": f"{made.stage.name}/{entry.path}", "digest": {"sha256": made.files[entry.path]}}
        if entry.digest != f"sha256:{made.files[entry.path]}":  # what the store calls a large file
            subject["annotations"] = {"store": entry.digest}
        found.append(subject)
    return found


def artifact(stage: str, digest: str) -> dict[str, Any]:
    """An artifact as in-toto describes a resource."""
    return {"name": stage, "uri": f"pdsl:artifact/{digest}", "digest": {"sha256": tail(digest)}}


def provenance(made: Made, plan: Plan, builder: str) -> dict[str, Any]:
    """The statement on how a stage's artifact came to be."""
    record = made.record
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "stage": made.stage.name,
            "type": record.type,
            "version": record.version,
            "fields": unstructure(record.fields),
            "inputs": unstructure(made.stage.inputs),
            "seed": plan.seed,
            "pipeline": plan.pipeline,
            "pipelineVersion": plan.pipeline_version,
            "plan": plan.digest,
            "definition": record.definition,
        },
        "internalParameters": {
            "device": record.device,
            "devices": record.devices,
            "machine": unstructure(record.machine),
            "libraries": unstructure(record.libraries),
            "author": record.author,
        },
        "resolvedDependencies": list(_dependencies(made)),
    }
    details = {
        "builder": {"id": builder, "version": {"pdsl": record.pdsl, "python": record.python}},
        "metadata": {
            "invocationId": record.key,
            "startedOn": moment(record.started),
            "finishedOn": moment(record.started + record.wall_clock_sec),
        },
        "byproducts": [{"name": "record", "uri": f"pdsl:record/{record.digest}", "digest": {"sha256": tail(record.digest)}}],
    }
    return statement(subjects(made), PROVENANCE, {"buildDefinition": definition, "runDetails": details})


def _dependencies(made: Made) -> Iterator[dict[str, Any]]:
    for field, shape in made.stage.inputs.items():
        for place, parent, digest in pairs(field, shape, made.record.inputs.get(field)):
            yield {**artifact(parent, digest), "annotations": {"input": place}}
    yield {"name": "code", "uri": f"pdsl:code/{made.record.type}", "digest": {"sha256": tail(made.record.code)}}
    if made.record.git_commit is not None:
        yield {"name": "commit", "uri": "git", "digest": {"gitCommit": made.record.git_commit}}


def pairs(field: str, names: Any, values: Any) -> Iterator[tuple[str, str, str]]:
    """(place, stage's name, value) of each entry of an input's shape; the place is spelled `field`, `field[2]` or `field.key`."""
    if isinstance(names, Mapping):
        for key, name in cast("Mapping[str, str]", names).items():
            yield f"{field}.{key}", name, values[key]
    elif isinstance(names, list | tuple):
        for number, name in enumerate(cast("list[str]", names)):
            yield f"{field}[{number}]", name, values[number]
    elif names is not None:
        yield field, names, values


def moment(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 has them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
