"""What was decided about a run: the verdict with its rows, and a SLSA verification summary that names every other attestation.

Source: SLSA Verification Summary Attestation v1 (slsa.dev/spec/v1.0/verification_summary).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.gates.decision import Decision, Outcome
from pipeline_dsl.gates.verdict import Run
from pipeline_dsl.provenance.envelope import statement
from pipeline_dsl.store.layout import tail

VERDICT = "pdsl:verdict/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
MESSAGE = "in_toto_attestation.predicates.vsa.v1.vsa_pb2:VerificationSummary"
VERIFIER = "pdsl:gate"

LEVELS: dict[Outcome, list[str]] = {
    "SHIP": ["SLSA_BUILD_LEVEL_1", "PDSL_SHIP"],
    "SHIP by override": ["SLSA_BUILD_LEVEL_1", "PDSL_SHIP_BY_OVERRIDE"],
    "HOLD": ["FAILED"],
}


def verdict_statement(run: Run, decision: Decision, ships: Mapping[str, str], subjects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A decision, whole: each gate with its value, interval, threshold and evidence, and each override that counted, as it was
    signed, and the exemptions of contaminated items.

    `ships` names the stages whose artifacts are let out, see `provenance/shipped.py`.
    """
    signed = {found.logged: unstructure(found) for found in run.manifest.overrides}
    said = {
        "decision": decision.outcome,
        "digest": decision.verdict.digest,
        "ships": ships,
        "verdict": unstructure(decision.verdict),
        "held": list(decision.reasons),
        "overrides": [
            {"gate": decision.verdict.rows[index].gate, "person": found.person, "signed": signed[found.logged]}
            for index, standings in decision.overridden.items()
            for found in standings
        ],
        "exemptions": [{"logged": logged, "statement": unstructure(found)} for logged, found in decision.exempted.people.items()],
        "policy": decision.policy,
    }
    return statement(subjects, VERDICT, said)


def summary_statement(
    decision: Decision, attestations: Mapping[str, bytes], subjects: Sequence[Mapping[str, Any]], when: str
) -> dict[str, Any]:
    """The summary for who only asks whether this artifact may be used. `attestations` are files by name; whoever checks the summary
    finds out if one of them is missing, changed or another.

    PASSED is SHIP, also by override. `SLSA_BUILD_LEVEL_1` says no more than that provenance exists and fits what was judged.
    """
    plan = decision.verdict.plan
    said = {
        "verifier": {"id": VERIFIER},
        "timeVerified": when,
        "resourceUri": subjects[0]["uri"],
        "policy": {"uri": f"pdsl:plan/{plan}", "digest": {"sha256": tail(plan)}},
        "inputAttestations": [{"uri": name, "digest": {"sha256": tail(digest_bytes(data))}} for name, data in sorted(attestations.items())],
        "verificationResult": "PASSED" if decision.ships else "FAILED",
        "verifiedLevels": LEVELS[decision.outcome],
        "slsaVersion": "1.0",
    }
    return statement(subjects, SUMMARY, said)
