"""A policy is data that is read strictly, and says of everybody what they may sign."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_dsl.base.fault import BadFile, NotAllowed, Usage
from pipeline_dsl.gates.policy import Person, Policy, Rule, Terms, find_policy, read_policy, require_policy
from tests.gates.people import make_key, people, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("keys")
    kinds = ("ed25519", "ecdsa", "rsa")
    return {"ada": public(make_key(folder, "ada")), **{kind: public(make_key(folder, "grace", kind)) for kind in kinds}}


def whole(keys: dict[str, str]) -> dict[str, Any]:
    return {
        "policy_version": 1,
        "people": [
            {
                "name": "Ada Lovelace",
                "emails": ["ada@example.org"],
                "accounts": ["ada"],
                "keys": [keys["ada"]],
                "roles": ["safety", "release"],
            },
            {"name": "Grace", "keys": [keys["ed25519"], keys["ecdsa"], keys["rsa"]], "roles": ["release"]},
            {"name": "Eve", "emails": ["eve@example.org"]},
        ],
        "overrides": [
            {"roles": ["safety"], "families": ["safety"], "gates": ["toxicity_*"], "days": 14},
            {"roles": ["release"], "gates": ["*"], "days": 30, "reviewers": 2, "missing_evidence": True, "author_may_review": True},
        ],
        "bootstrap": {"roles": ["release"], "days": 90, "again": True},
        "contamination": {"roles": ["safety"], "days": 365},
        "known_authors": True,
    }


def written(folder: Path, data: Any) -> Path:
    file = folder / "pdsl-policy.yaml"
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
    return file


def test_a_policy_says_who_may_sign_what(tmp_path: Path, keys: dict[str, str]) -> None:
    policy = read_policy(written(tmp_path, whole(keys)))
    ada = policy.person("ADA@example.org")
    assert ada is not None
    assert ada is policy.person("ada lovelace") is policy.person("ada")
    assert policy.rule("mmlu", "safety") is policy.rule("toxicity_rate", "quality") is policy.overrides[0]
    assert policy.rule("mmlu", "capability") is policy.overrides[1]
    assert policy.contamination == Terms(roles=("safety",), days=365)


def test_the_first_rule_that_names_a_gate_decides(tmp_path: Path, keys: dict[str, str]) -> None:
    data = whole(keys)
    data["overrides"].reverse()
    assert read_policy(written(tmp_path, data)).rule("toxicity_rate", "safety") == Rule(
        roles=("release",), gates=("*",), days=30, reviewers=2, missing_evidence=True, author_may_review=True
    )


def test_a_gate_that_no_rule_names_has_none(tmp_path: Path, keys: dict[str, str]) -> None:
    data = whole(keys)
    del data["overrides"][1]
    assert read_policy(written(tmp_path, data)).rule("mmlu", "capability") is None


def test_globs_tell_upper_from_lower_case() -> None:
    assert not Rule(roles=("a",), days=1, gates=("MMLU*",)).names("mmlu", "capability")


def test_the_digest_is_of_what_it_says_and_not_of_its_layout(tmp_path: Path, keys: dict[str, str]) -> None:
    plain = read_policy(written(tmp_path, whole(keys)))
    text = "# reviewed\n" + yaml.safe_dump(whole(keys), sort_keys=True, default_flow_style=False)
    assert read_policy(written(tmp_path, text)).digest == plain.digest
    data = whole(keys)
    data["overrides"][0]["days"] = 15
    assert read_policy(written(tmp_path, data)).digest != plain.digest


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: Any) -> None:
        keys = [int(key) if key.isdigit() else key for key in path.split("/")]
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return apply


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "an unknown key": (change("people/0/role", "release"), "role"),
    "an unknown part": (change("bootstraps", {}), "bootstraps"),
    "a misspelt limit": (change("overrides/0/reviewer", 2), "reviewer"),
    "no version": (lambda data: data.pop("policy_version"), "policy_version"),
    "a later version": (change("policy_version", 2), "policy_version"),
    "true for a version": (change("policy_version", True), "policy_version"),
    "one e-mail that is no list": (change("people/0/emails", "ada@example.org"), "emails"),
    "days that are text": (change("overrides/0/days", "14"), "days"),
    "days that are a fraction": (change("overrides/0/days", 1.5), "days"),
    "no days": (lambda data: data["overrides"][0].pop("days"), "days"),
    "days for ever": (change("overrides/0/days", 10**9), "not from 1 to 3650"),
    "days that are none": (change("bootstrap/days", 0), "not from 1 to 3650"),
    "nobody to sign": (change("overrides/0/reviewers", 0), "at least one"),
    "more reviewers than there are": (change("overrides/1/reviewers", 3), "there are 2"),
    "a role that nobody has": (change("contamination/roles", ["data"]), "there are 0"),
    "a role of somebody without a key": (change("people/0/keys", []), "there are 0"),
    "a rule about nothing": (change("overrides/1/gates", []), "names no gates"),
    "a family that is none": (change("overrides/0/families", ["safty"]), "no family `safty`"),
    "a name twice": (change("people/1/name", "ada lovelace"), "two people are called `ada lovelace`"),
    "an e-mail twice": (change("people/1/emails", ["ADA@example.org"]), "two people are called `ada@example.org`"),
    "an e-mail that is another's account": (change("people/1/emails", ["ada"]), "two people are called `ada`"),
    "a key twice": (
        lambda data: data["people"][2].update(keys=[data["people"][0]["keys"][0] + " another comment"]),
        "two people have the key",
    ),
    "no name": (change("people/2/name", " "), "no name of a person"),
    "a name that commands a terminal": (change("people/2/name", "\x1b[2J"), "no name of a person"),
    "a key's file": (change("people/0/keys", ["~/.ssh/id_ed25519.pub"]), "no line of a `.pub` file"),
    "a private key": (change("people/0/keys", ["-----BEGIN OPENSSH PRIVATE KEY-----"]), "no line of a `.pub` file"),
    "a key of two lines": (lambda data: data["people"][0].update(keys=["\nsigner ".join(data["people"][1]["keys"][:2])]), "no line of"),
    "a key with options": (lambda data: data["people"][0].update(keys=["cert-authority " + data["people"][0]["keys"][0]]), "no line of"),
    "a key of another kind than it says": (
        lambda data: data["people"][0].update(keys=[data["people"][0]["keys"][0].replace("ssh-ed25519", "ssh-rsa")]),
        "no line of",
    ),
    "a key that is cut": (lambda data: data["people"][0].update(keys=[data["people"][0]["keys"][0][:50]]), "no line of|there are"),
    "people that are a mapping": (change("people", {"ada": {}}), "people"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_policy_is_refused_with_a_reason(tmp_path: Path, keys: dict[str, str], what: str) -> None:
    data = whole(keys)
    edit, reason = BAD[what]
    edit(data)
    with pytest.raises(BadFile, match=reason):
        read_policy(written(tmp_path, data))


TEXTS = {
    "an alias": ("policy_version: 1\npeople: &a []\noverrides: *a\n", "alias, which a policy may not"),
    "a key twice": ("policy_version: 1\npeople: []\npeople: []\n", "is there twice"),
    "a python object": ("policy_version: 1\npeople: !!python/object/apply:os.system ['true']\n", "is no policy"),
    "a list": ("[]", "not a mapping"),
    "nothing": ("", "not a mapping"),
    "deep": ("policy_version: 1\npeople: " + "[" * 3000 + "]" * 3000, "nested deeper"),
    "a date": ("policy_version: 1\npeople: [{name: 2020-01-01}]\n", "is no policy"),
    "much": ("#" * (2**20 + 1), "larger than"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_that_is_no_policy_is_refused(tmp_path: Path, what: str) -> None:
    text, reason = TEXTS[what]
    with pytest.raises(BadFile, match=reason):
        read_policy(written(tmp_path, text))


def test_the_policy_is_found_here_or_where_it_is_named(tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_policy(None) is None
    with pytest.raises(Usage, match="there is no policy"):
        require_policy(None)
    with pytest.raises(Usage, match="cannot read"):
        find_policy(Path("elsewhere.yaml"))
    written(tmp_path, whole(keys))
    found = find_policy(None)
    assert found is not None
    assert found == find_policy(tmp_path / "pdsl-policy.yaml") == require_policy(found)


def test_a_policy_without_rules_lets_nobody_sign(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, "policy_version: 1\npeople: [{name: Ada, roles: [release]}]\n"))
    ada = policy.people[0]
    for terms in (policy.rule("mmlu", "capability"), policy.bootstrap, policy.contamination):
        with pytest.raises(NotAllowed, match="lets nobody"):
            policy.require(terms, ada, ["eve"], "do this")


# Who may sign.

ADA = Person(name="Ada", emails=("ada@example.org",), accounts=("adal",), roles=("release",))
TERMS = Terms(roles=("release",), days=1)


def policy(**changes: Any) -> Policy:
    whole: dict[str, Any] = {"people": (ADA, Person(name="Eve", emails=("eve@example.org",))), **changes}
    return Policy(**whole)


def test_who_has_the_role_and_ran_nothing_may_sign() -> None:
    assert policy().require(TERMS, ADA, ["eve@example.org", "who@ever"], "sign") is TERMS


def test_who_lacks_the_role_may_not() -> None:
    with pytest.raises(NotAllowed, match="takes the role release"):
        policy().require(TERMS, policy().people[1], ["who@ever"], "sign")


@pytest.mark.parametrize("author", ["Ada", "ada@example.org", "ADA@Example.org", " ada ", "adal"])
def test_whoever_ran_it_may_not_review_it_by_whichever_name(author: str) -> None:
    with pytest.raises(NotAllowed, match="ran this"):
        policy().require(TERMS, ADA, ["eve@example.org", author], "sign")
    assert policy().require(Terms(roles=("release",), days=1, author_may_review=True), ADA, [author], "sign")


def test_a_run_without_an_author_is_nobodys_to_review() -> None:
    with pytest.raises(NotAllowed, match="does not say who its author is"):
        policy().require(TERMS, ADA, [], "sign")


def test_with_known_authors_a_stranger_makes_a_run_nobodys_to_review() -> None:
    strict = policy(known_authors=True)
    with pytest.raises(NotAllowed, match=r"who@ever is none of the policy's people"):
        strict.require(TERMS, ADA, ["eve@example.org", "who@ever"], "sign")
    assert strict.require(TERMS, ADA, ["eve@example.org"], "sign")


def test_the_policy_in_its_description_is_one(tmp_path: Path) -> None:
    from pipeline_dsl.gates import policy as module

    doc = module.__doc__ or ""
    text = "\n".join(line[4:] for line in doc.splitlines() if line.startswith("    "))
    folder = people(tmp_path)
    second = f"  - {{name: Grace, keys: [{public(folder.keys['Grace'])}], roles: [safety]}}\noverrides:"
    text = text.replace("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA... ada", public(folder.keys["Ada"])).replace("overrides:", second)
    assert read_policy(written(tmp_path, text)).overrides[0].reviewers == 2
