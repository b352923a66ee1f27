"""An override: a named reviewer's signed exception to one gate of one verdict, until it expires. A bootstrap is the like for a
first release: the gates that compare with a baseline count as waived, since there is none.

It is bound to the verdict's digest, so a run that is judged otherwise has none. What counts is asked anew at each decision, under
the policy of that moment.

Who can write to the manifest, the store and the project's folder cannot make, edit, move or prolong the override of somebody
whose key they do not have, and cannot drop a decision that a later signer has seen. They can edit the policy in that folder, which
is why `--policy` names one that they cannot write; say that somebody else ran a run, or make up a whole run with its records; set
the clock back; replace pdsl or ssh-keygen; and cut lines off the log's end that nobody has noted the head of.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import BadSignature, NotAllowed, Usage
from pipeline_dsl.gates.policy import Person, Policy, Rule, Terms
from pipeline_dsl.gates.release import RELEASES
from pipeline_dsl.gates.signature import BOOTSTRAP, OVERRIDE
from pipeline_dsl.gates.statement import Statement, read, require_in_force, require_logged, signer
from pipeline_dsl.gates.verdict import NO_BASELINE, Row, Verdict
from pipeline_dsl.plan.plan import PlannedGate
from pipeline_dsl.store.log import Entry
from pipeline_dsl.store.manifest import Signed


@attrs.frozen(kw_only=True)
class Override(Statement):
    """What a reviewer signs."""

    pipeline: str
    plan: str
    artifact: str | None
    verdict: str
    gate: str | None
    """The gate as the plan says it; None for a bootstrap, which is about every gate that lacks its baseline."""
    stage: str | None
    """The stage that measures it."""
    value: float | None
    threshold: float | None
    authors: tuple[str, ...]

    @property
    def purpose(self) -> str:
        """What it is signed as."""
        return BOOTSTRAP if self.gate is None else OVERRIDE


@attrs.frozen(kw_only=True)
class Standing:
    """A signed override, and whether it counts now: `void` says why not. `note` is worth a reader's while either way."""

    override: Override
    logged: str
    person: str | None = None
    """Whose it is, as the policy calls them: nobody counts twice by having two names. None if it does not count."""
    void: str = ""
    note: str = ""


@attrs.frozen(kw_only=True)
class Case:
    """A verdict with what overrides of it are judged by."""

    verdict: Verdict
    gates: tuple[PlannedGate, ...]
    """The plan's, in the order of the verdict's rows."""
    policy: Policy | None
    log: Sequence[Entry]

    def rows(self) -> Iterator[tuple[Row, PlannedGate]]:
        """Each gate as it was judged and as it was planned."""
        return zip(self.verdict.rows, self.gates, strict=True)

    def is_first(self) -> bool:
        """Whether nothing of this pipeline was let out before this verdict."""
        found = (entry.facts for entry in self.log if entry.kind in RELEASES)
        released = [facts.get("verdict") for facts in found if facts.get("pipeline") == self.verdict.pipeline]
        return not released or released[0] == self.verdict.digest


def lacks_baseline(row: Row) -> bool:
    """Whether a gate could not be judged only because there is no release to compare with."""
    return row.result == "unknown" and row.value is not None and row.reason == NO_BASELINE


def terms_for(case: Case, policy: Policy, row: Row | None, person: Person) -> Terms:
    """The terms on which a person may sign for a gate, or, without a row, for a first release.

    Raises: NotAllowed, with the reason.
    """
    authors = case.verdict.authors
    if row is None:
        terms = policy.require(policy.bootstrap, person, authors, "bootstrap a release")
        if not case.is_first() and not (policy.bootstrap and policy.bootstrap.again):
            raise NotAllowed(
                f"a run of {case.verdict.pipeline} was let out before: this is no first release",
                help="give the manifest of that release with --baseline",
            )
        return terms
    if lacks_baseline(row):
        raise NotAllowed(f"`{row.gate}` has no baseline", help="that takes a signed bootstrap: `pdsl override --bootstrap`")
    gate = next(gate for found, gate in case.rows() if found is row)
    rule = policy.rule(gate.metric, gate.family)
    terms = policy.require(rule, person, authors, f"override `{row.gate}`")
    if row.result == "unknown" and not (isinstance(rule, Rule) and rule.missing_evidence):
        raise NotAllowed(f"`{row.gate}` has no evidence ({row.reason}), and the policy lets nobody override that", help="measure it")
    return terms


def standing(signed: Signed, case: Case, now: datetime) -> Standing:
    """What a signed override is worth now.

    Raises: BadSignature if it, or its signature, was edited or forged; LogBroken if the decision log does not have it; Usage if
    ssh-keygen is not installed.
    """
    override = read_override(signed)
    require_logged(signed, case.log)
    found = Standing(override=override, logged=signed.logged)
    try:
        person, note = _judged(signed, override, case, now)
    except NotAllowed as fault:
        return attrs.evolve(found, void=fault.message)
    return attrs.evolve(found, person=person.name, note=note)


def read_override(signed: Signed) -> Override:
    """What a signed override says; whether it was signed must still be asked.

    Raises: BadSignature if it is none.
    """
    override = read(signed, Override, (OVERRIDE, BOOTSTRAP), "override")
    if override.purpose != signed.purpose:
        raise BadSignature(f"what is signed as `{signed.purpose}` is about {override.gate or 'no gate'}")
    return override


def _judged(signed: Signed, override: Override, case: Case, now: datetime) -> tuple[Person, str]:
    """Whose an override is that counts, and what there is to say about it. Raises NotAllowed, with the reason, if it does not."""
    policy, verdict = case.policy, case.verdict
    if policy is None:
        raise NotAllowed("there is no policy to judge it by: name one with --policy")
    person, since = signer(signed, policy)
    if override.verdict != verdict.digest:
        raise NotAllowed(
            f"it is about another verdict, {short(override.verdict)}, and this is {short(verdict.digest)}: "
            "the run or its baseline has changed, or it is another run's"
        )
    try:
        terms = terms_for(case, policy, _row(override, verdict), person)
    except NotAllowed as fault:
        raise NotAllowed("; ".join(filter(None, [fault.message, since]))) from fault
    require_in_force(signed.statement, terms, now)
    return person, since


def _row(override: Override, verdict: Verdict) -> Row | None:
    if override.gate is None:
        return None
    for row in verdict.rows:
        if (row.gate, row.stage) == (override.gate, override.stage):
            return row
    raise NotAllowed(f"the verdict has no gate `{override.gate}`")


def find_row(verdict: Verdict, name: str) -> Row:
    """The gate that a person means: by its metric, or by its whole text where a metric has more gates than one.

    Raises: Usage, with the gates that there are.
    """
    wanted = " ".join(name.split())
    named = {f"{row.gate} of {row.stage}" if row.stage else row.gate: row for row in verdict.rows}
    found = {said: row for said, row in named.items() if wanted in (said, row.gate, row.metric)}
    failing = {said: row for said, row in found.items() if row.result != "pass"}
    if len(failing) == 1:
        return next(iter(failing.values()))
    if not found:
        raise Usage(f"the run has no gate `{name}`", help="its gates: " + ", ".join(f"`{said}`" for said in named))
    if not failing:
        raise Usage(f"`{next(iter(found.values())).gate}` passes: there is nothing to override")
    raise Usage(f"`{name}` is more than one gate", help="say which: " + ", ".join(f"`{said}`" for said in failing))
