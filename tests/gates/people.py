"""Reviewers with real SSH keys, verdicts to sign for, and a log, without running anything."""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.gates.decision import Decision, decide
from pipeline_dsl.gates.override import Case, Override, Standing, standing
from pipeline_dsl.gates.policy import Bootstrap, Person, Policy, Rule
from pipeline_dsl.gates.signature import sign
from pipeline_dsl.gates.statement import facts, spelled
from pipeline_dsl.gates.verdict import NO_BASELINE, Result, Row, Verdict
from pipeline_dsl.plan.plan import PlannedGate
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.manifest import Signed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = ("Ada", "Grace", "Mallory")


def make_key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    """A new private key; its public half is beside it."""
    file = folder / f"{name.lower()}_{kind}"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *(["-b", "2048"] if kind == "rsa" else []), "-N", "", "-C", name, "-f", str(file)],
        check=True,
        timeout=60,
    )
    return file


def public(key: Path) -> str:
    return Path(f"{key}.pub").read_text().strip()


@attrs.frozen
class People:
    """Ada and Grace may release, Mallory may not. Each has a key."""

    folder: Path
    keys: Mapping[str, Path]

    def person(self, name: str, *roles: str) -> Person:
        return Person(name=name, emails=(f"{name.lower()}@example.org",), keys=(public(self.keys[name]),), roles=roles)

    def policy(self, *rules: Rule, **changes: Any) -> Policy:
        whole: dict[str, Any] = {
            "people": (self.person("Ada", "release"), self.person("Grace", "release"), self.person("Mallory")),
            "overrides": rules or (Rule(roles=("release",), gates=("*",), days=30),),
            "bootstrap": Bootstrap(roles=("release",), days=30),
        }
        return Policy(**{**whole, **changes})


def people(folder: Path) -> People:
    return People(folder, {name: make_key(folder, name) for name in NAMES})


def row(metric: str = "mmlu", result: Result = "fail", **changes: Any) -> Row:
    facts: dict[str, Any] = {
        "gate": f"{metric} >= 40",
        "metric": metric,
        "unit": "percent",
        "operator": ">=",
        "value": 50.0 if result == "pass" else 30.0,
        "interval": None,
        "samples": 100,
        "threshold": 40.0,
        "baseline": None,
        "baseline_interval": None,
        "difference": None,
        "resolved": None,
        "stage": "01_exam",
        "evidence": None,
        "result": result,
        "reason": "",
    }
    return Row(**{**facts, **changes})


def unmeasured(metric: str = "mmlu") -> Row:
    return row(metric, "unknown", value=None, reason=f"`{metric}` was not measured")


def without_baseline(metric: str = "mmlu") -> Row:
    return row(metric, "unknown", gate=f"{metric} >= baseline", threshold=None, reason=NO_BASELINE)


def verdict(*rows: Row, reasons: Sequence[str] = (), authors: Sequence[str] = ("eve@example.org",), **changes: Any) -> Verdict:
    facts: dict[str, Any] = {
        "ship": not reasons and all(found.result == "pass" for found in rows),
        "pipeline": "p",
        "plan": "sha256:" + "1" * 64,
        "artifact": "sha256:" + "2" * 64,
        "records": {},
        "authors": tuple(authors),
        "baseline": None,
        "rows": rows,
        "reasons": tuple(reasons),
    }
    known = {field.name for field in attrs.fields(Verdict)}
    return Verdict(**{key: value for key, value in {**facts, **changes}.items() if key in known})


def gate(found: Row, family: str) -> PlannedGate:
    return PlannedGate(
        metric=found.metric,
        operator=">=",
        threshold=40.0,
        relative=False,
        unit=found.unit,
        better="higher",
        family=family,
        stage=found.stage,
    )


@attrs.frozen
class Desk:
    """Where overrides of one verdict are signed and decided."""

    people: People
    verdict: Verdict
    policy: Policy | None
    log: Log
    family: str = "capability"

    @property
    def case(self) -> Case:
        gates = tuple(gate(found, self.family) for found in self.verdict.rows)
        return Case(verdict=self.verdict, gates=gates, policy=self.policy, log=self.log.entries())

    def under(self, policy: Policy | None) -> "Desk":
        return attrs.evolve(self, policy=policy)

    def about(self, verdict: Verdict) -> "Desk":
        return attrs.evolve(self, verdict=verdict)

    def statement(self, about: Row | None, reviewer: str = "Ada", **changes: Any) -> Override:
        entries = self.log.entries()
        facts: dict[str, Any] = {
            "pipeline": self.verdict.pipeline,
            "plan": self.verdict.plan,
            "artifact": self.verdict.artifact,
            "verdict": self.verdict.digest,
            "gate": about.gate if about else None,
            "stage": about.stage if about else None,
            "value": about.value if about else None,
            "threshold": about.threshold if about else None,
            "authors": self.verdict.authors,
            "reviewer": reviewer,
            "reason": "within noise",
            "signed": spelled(NOW),
            "expires": spelled(NOW + timedelta(days=7)),
            "policy": self.policy.digest if self.policy else "",
            "log": entries[-1].digest if entries else None,
        }
        return Override(**{**facts, **changes})

    def sign(self, about: Row | None, reviewer: str = "Ada", *, by: str = "", purpose: str = "", **changes: Any) -> Signed:
        """What `reviewer` is said to have signed, signed by whom it may be, and logged."""
        said = self.statement(about, reviewer, **changes)
        meant = purpose or said.purpose
        signature = sign(unstructure(said), meant, self.people.keys[by or reviewer])
        return self.file(Signed(purpose=meant, statement=unstructure(said), signature=signature, logged=""))

    def file(self, signed: Signed) -> Signed:
        with self.log.held() as held:
            entry = held.append("override", facts(signed), time=spelled(NOW), by="somebody")
        return attrs.evolve(signed, logged=entry.digest)

    def release(self, found: Verdict) -> None:
        with self.log.held() as held:
            held.append("export", {"pipeline": found.pipeline, "verdict": found.digest}, time=spelled(NOW), by="somebody")

    def standing(self, signed: Signed, now: datetime = NOW) -> Standing:
        return standing(signed, self.case, now)

    def decide(self, *signed: Signed, now: datetime = NOW) -> Decision:
        return decide(self.case, [self.standing(found, now) for found in signed])
