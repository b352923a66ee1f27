"""The evidence of a contamination gate that fails: which items, and what is left of them without those that reviewers exempted."""

import json
import math
from collections.abc import Collection

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.gates.verdict import Row, Run, Verdict
from pipeline_dsl.lang.artifact import kind_name
from pipeline_dsl.lang.artifacts import ContaminationReport
from pipeline_dsl.lang.overlap import HITS, Hit, figures
from pipeline_dsl.plan.plan import PlannedGate

FAMILY = "contamination"


@attrs.frozen(kw_only=True)
class Contaminated:
    """A contamination gate that fails, with the items that it is about."""

    hits: tuple[Hit, ...]
    left: tuple[Hit, ...]
    """Those that nobody exempted."""
    value: float
    """What the metric is without the exempted ones; the verdict's own value counts all."""
    passes: bool
    """Whether the gate passes without them."""

    @property
    def exempted(self) -> tuple[Hit, ...]:
        """The items that are left out."""
        left = {hit.digest for hit in self.left}
        return tuple(hit for hit in self.hits if hit.digest not in left)


def contaminated(row: Row, gate: PlannedGate, run: Run, exempted: Collection[str]) -> Contaminated | None:
    """A failing row with its items, those left out whose digests are exempted; None for any other row, or evidence of another making.

    Nothing but what the verdict itself was read from is read, by digest.
    Raises: DigestMismatch; MissingArtifact; BadFile.
    """
    if row.result != "fail" or gate.family != FAMILY or row.evidence is None or row.threshold is None:
        return None
    tree = run.store.verify(row.evidence)
    file = next((entry for entry in tree.files if entry.path == HITS), None)
    if file is None or tree.kind != kind_name(ContaminationReport):
        return None
    report = structure(tree.meta, ContaminationReport, what=f"the evidence of `{row.gate}`")
    compared = {name: share.samples for name, share in report.sets.items()}
    with run.store.blob(file).open(encoding="utf-8") as lines:
        hits = tuple(structure(json.loads(line), Hit, what=f"the evidence of `{row.gate}`") for line in lines)
    measured = figures(compared, hits).get(row.metric)
    if measured is None or row.value is None or not math.isclose(measured.value, row.value, abs_tol=1e-9):
        return None  # the items are not what the figure was made of
    left = tuple(hit for hit in hits if hit.digest not in exempted)
    value = figures(compared, left)[row.metric].value
    passes = row.operator == "<=" and len(left) < len(hits) and value <= row.threshold
    return Contaminated(hits=hits, left=left, value=value, passes=passes)


def has_contaminated(verdict: Verdict, gates: tuple[PlannedGate, ...]) -> bool:
    """Whether exemptions could matter to a verdict."""
    return any(row.result == "fail" and gate.family == FAMILY for row, gate in zip(verdict.rows, gates, strict=True))
