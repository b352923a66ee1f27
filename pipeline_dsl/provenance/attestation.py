"""All attestations of a run: one a stage, the verdict, and the summary that binds them.

stages/01_fetch.intoto.jsonl    how the artifact of a stage came to be
verdict.intoto.jsonl            what was decided, gate by gate
summary.intoto.jsonl            that it was, and the sha256 of every other file here
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.gates.chain import verified_records
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.gates.verdict import Run, Verdict
from pipeline_dsl.provenance.envelope import sealed
from pipeline_dsl.provenance.shipped import shipped
from pipeline_dsl.provenance.statement import Made, provenance, subjects
from pipeline_dsl.provenance.summary import summary_statement, verdict_statement
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Tree

SUFFIX = ".intoto.jsonl"
VERDICT = f"verdict{SUFFIX}"
SUMMARY = f"summary{SUFFIX}"


@attrs.frozen(kw_only=True)
class Attested:
    """The attestations of a run as files, by their paths, and how many artifacts and bytes they are about."""

    files: Mapping[str, bytes]
    artifacts: int
    size: int


def stage_file(stage: str) -> str:
    """Where the attestation of a stage lies."""
    return f"stages/{stage}{SUFFIX}"


def attest(run: Run, decision: Decision, signer: Any, *, builder: str, when: str) -> Attested:
    """The attestations of a run, signed. Every byte of every artifact is read against its digest first.

    Raises: DigestMismatch or MissingArtifact if manifest, plan and store contradict each other.
    """
    made: dict[str, Made] = {}
    records = verified_records(run.manifest, run.plan, run.store)
    for name, record in records.items():
        tree = run.store.verify(record.output)
        made[name] = Made(stage=run.plan.stage(name), record=record, tree=tree, files=plain_digests(tree, run.store))
    files = {stage_file(name): sealed(provenance(stage, run.plan, builder), signer) for name, stage in made.items()}
    ships = shipped(run, records)
    about = [subject for name in dict.fromkeys(ships.values()) for subject in subjects(made[name])] or [_plan(decision.verdict)]
    files[VERDICT] = sealed(verdict_statement(run, decision, ships, about), signer)
    files[SUMMARY] = sealed(summary_statement(decision, files, about, when), signer)
    return Attested(files=files, artifacts=len(made), size=sum(stage.tree.size for stage in made.values()))


def plain_digests(tree: Tree, store: Store) -> dict[str, str]:
    """The sha256 of each file of an artifact, in hexadecimal digits, by its path; only files that the store knows by another digest
    are read for it. Verify the artifact first."""
    from concurrent.futures import ThreadPoolExecutor

    def plain(digest: str, path: Path) -> str:
        if digest.startswith("sha256:"):
            return tail(digest)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        digests = pool.map(plain, [entry.digest for entry in tree.files], [store.blob(entry) for entry in tree.files])
        return dict(zip([entry.path for entry in tree.files], digests, strict=True))


def _plan(verdict: Verdict) -> dict[str, Any]:
    """What a verdict is about where nothing ships."""
    return {"name": verdict.pipeline, "uri": f"pdsl:plan/{verdict.plan}", "digest": {"sha256": tail(verdict.plan)}}
