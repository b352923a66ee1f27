"""The policy: who may make an exception to which gate, for how long, and who else must agree.

It is one YAML file that people review like code, `pdsl-policy.yaml` in the project's folder:

    policy_version: 1
    people:
      - name: Ada Lovelace
        emails: [ada@example.org]
        keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA... ada]
        roles: [safety, release]
    overrides:                      # the first rule that names a gate decides about it
      - roles: [safety]
        families: [safety]          # of the metric
        gates: ["toxicity_*"]       # or by the metric's name
        days: 14
        reviewers: 2
      - roles: [release]
        gates: ["*"]
        days: 30
    bootstrap: {roles: [release], days: 90}
    contamination: {roles: [safety], days: 365}

What is not named may not be overridden. The file is as good as its review: who can change it unseen can let anything out, so
it belongs under code review, and where it counts `--policy` (or PDSL_POLICY) names a copy that its users cannot write. Each
override and each line of the log has the digest of the policy that it was made under.
"""

import base64
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.base.fault import BadFile, NotAllowed, Usage
from pipeline_dsl.lang.gate import Family

SCHEMA = 1
MAX_BYTES = 2**20
HERE = Path("pdsl-policy.yaml")
"""Where a project keeps its policy."""

_TYPES = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh[.]com|sk-ecdsa-sha2-nistp256@openssh[.]com"
_KEY = re.compile(rf"(?P<type>{_TYPES}) (?P<data>[A-Za-z0-9+/]{{40,}}={{0,2}})( [^\x00-\x1f\x7f]*)?")


@attrs.frozen(kw_only=True)
class Person:
    """Somebody the policy knows. `accounts` are names of system users, for runs whose author git does not know."""

    name: str
    emails: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Public SSH keys, each as the one line of its `.pub` file."""
    roles: tuple[str, ...] = ()

    def is_called(self, name: str) -> bool:
        """Whether a name, an e-mail address or an account is this person's; upper and lower case are the same."""
        return name.strip().casefold() in {said.strip().casefold() for said in (self.name, *self.emails, *self.accounts)}


@attrs.frozen(kw_only=True)
class Terms:
    """On what terms something may be signed."""

    roles: tuple[str, ...]
    days: int
    """The longest that a signature may count."""
    reviewers: int = 1
    """How many different people must sign."""
    author_may_review: bool = False
    """Whether somebody who ran a stage of the run may sign."""


@attrs.frozen(kw_only=True)
class Rule(Terms):
    """Terms for some gates: those whose metric matches a glob of `gates`, or is of one of `families`."""

    gates: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    missing_evidence: bool = False
    """Whether a gate may be overridden that could not be judged, since nothing was measured."""

    def names(self, metric: str, family: str) -> bool:
        """Whether the rule is about a gate on this metric."""
        return family in self.families or any(fnmatchcase(metric, glob) for glob in self.gates)


@attrs.frozen(kw_only=True)
class Bootstrap(Terms):
    """Terms for a first release, which has nothing to be compared with."""

    again: bool = False
    """Whether a pipeline may be bootstrapped of which a run was let out before."""


@attrs.frozen(kw_only=True)
class Policy:
    """A whole policy. With `known_authors`, only runs whose every author is one of `people` can be signed for."""

    policy_version: int = SCHEMA
    people: tuple[Person, ...]
    overrides: tuple[Rule, ...] = ()
    bootstrap: Bootstrap | None = None
    contamination: Terms | None = None
    known_authors: bool = False

    @property
    def digest(self) -> Digest:
        """What this policy says, however it is laid out in its file."""
        return digest_plain(unstructure(self))

    def person(self, name: str) -> Person | None:
        """Who is called so; None if nobody is."""
        return next((person for person in self.people if person.is_called(name)), None)

    def rule(self, metric: str, family: str) -> Rule | None:
        """The rule that decides about gates on a metric: the first one that names it."""
        return next((rule for rule in self.overrides if rule.names(metric, family)), None)

    def require(self, terms: Terms | None, person: Person, authors: Sequence[str], what: str) -> Terms:
        """The terms on which a person may sign; `authors` ran what it is about, `what` says it.

        Raises: NotAllowed, with the reason.
        """
        if terms is None:
            raise NotAllowed(f"the policy lets nobody {what}", help="fix the run, or have the policy changed by its reviewers")
        if not set(terms.roles) & set(person.roles):
            raise NotAllowed(f"{person.name} may not {what}: that takes the role {' or '.join(terms.roles)}")
        if terms.author_may_review:
            return terms
        if not authors:
            raise NotAllowed(f"nobody may {what}: the run does not say who its author is", help="run it again, so that it says so")
        if any(person.is_called(author) for author in authors):
            raise NotAllowed(f"{person.name} ran this, and may not {what} as its reviewer", help="ask another reviewer")
        unknown = [author for author in authors if self.person(author) is None]
        if self.known_authors and unknown:
            raise NotAllowed(f"nobody may {what}: its author {', '.join(unknown)} is none of the policy's people")
        return terms


def read_policy(path: Path) -> Policy:
    """The policy in a file: data, of which nothing is run.

    Raises: Usage if there is no such file; BadFile, saying every fault that it has.
    """
    from pipeline_dsl.store.strict_yaml import mapping

    data = mapping(path, "policy", MAX_BYTES)
    if data.get("policy_version") != SCHEMA or data["policy_version"] is True:
        raise BadFile(f"{path}: `policy_version` is {data.get('policy_version')!r:.20}; this pdsl reads {SCHEMA}")
    policy = structure(data, Policy, what=str(path))
    faults = list(_faults(policy))
    if faults:
        raise BadFile("\n  ".join([f"{path} contradicts itself:", *faults]))
    return policy


def find_policy(given: Path | None) -> Policy | None:
    """The policy in the file that was named, or else in `pdsl-policy.yaml` here; None if there is neither.

    Raises: Usage if a file was named that is not there; BadFile.
    """
    if given is None and not HERE.exists():
        return None
    return read_policy(given or HERE)


def require_policy(policy: Policy | None) -> Policy:
    """The policy.

    Raises: Usage if there is none.
    """
    if policy is None:
        raise Usage(
            "there is no policy, so nobody may sign", help="write `pdsl-policy.yaml`, or name one with --policy; see `pdsl override --help`"
        )
    return policy


def _faults(policy: Policy) -> Iterator[str]:
    yield from _shared(policy)
    for person in policy.people:
        if not person.name.strip() or not person.name.isprintable():
            yield f"{person.name!r:.60} is no name of a person"
        if not all(said.strip() for said in (*person.emails, *person.accounts)):
            yield f"an e-mail address or an account of {person.name} is empty"
        for key in person.keys:
            if not _is_key(key):
                yield f"a key of {person.name} is no line of a `.pub` file of ssh-keygen: {key!r:.60}"
    terms = [(f"override rule {number}", rule) for number, rule in enumerate(policy.overrides, start=1)]
    for where, rule in terms:
        if not rule.gates and not rule.families:
            yield f'{where} names no gates: say `gates: ["*"]` for all'
        yield from (f"{where}: there is no family `{family}`" for family in rule.families if family not in get_args(Family))
    more = [("bootstrap", policy.bootstrap), ("contamination", policy.contamination)]
    for where, found in [*terms, *((where, found) for where, found in more if found is not None)]:
        yield from _impossible(where, found, policy)


def _impossible(where: str, terms: Terms, policy: Policy) -> Iterator[str]:
    """What nobody could ever keep."""
    if not 1 <= terms.days <= 3650:
        yield f"{where}: `days` is {terms.days}, not from 1 to 3650"
    if terms.reviewers < 1:
        yield f"{where}: `reviewers` is {terms.reviewers}, and at least one must sign"
    able = [person for person in policy.people if person.keys and set(person.roles) & set(terms.roles)]
    if len(able) < terms.reviewers:
        yield f"{where} takes {terms.reviewers} people with a key and the role {' or '.join(terms.roles)}; there are {len(able)}"


def _shared(policy: Policy) -> Iterator[str]:
    """What stands for two people at once: then one could sign for both."""
    names: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    for person in policy.people:
        names.update({name.strip().casefold() for name in (person.name, *person.emails, *person.accounts)})
        keys.update({" ".join(key.split()[:2]) for key in person.keys})
    yield from (f"two people are called `{name}`" for name, count in names.items() if count > 1)
    yield from (f"two people have the key {key[:60]}" for key, count in keys.items() if count > 1)


def _is_key(line: str) -> bool:
    found = _KEY.fullmatch(line)
    if found is None:
        return False
    try:
        data = base64.b64decode(found["data"], validate=True)
    except ValueError:
        return False
    kind = found["type"].encode()
    return data.startswith(len(kind).to_bytes(4, "big") + kind)
