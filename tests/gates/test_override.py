"""An override counts for one verdict and one gate, signed by whom the policy lets, as long as it is in force; anything else is
void, or was tampered with."""

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import BadSignature, LogBroken, NotAllowed, Usage
from pipeline_dsl.gates.override import find_row
from pipeline_dsl.gates.policy import Bootstrap, Person, Policy, Rule
from pipeline_dsl.gates.signature import BOOTSTRAP, EXCEPTION, OVERRIDE, check_whole, sign, verify
from pipeline_dsl.gates.statement import moment, spelled
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.manifest import Signed
from tests.gates.people import NOW, Desk, People, make_key, people, public, row, unmeasured, verdict, without_baseline

WORSE = row()
ANYTHING = Rule(roles=("release",), gates=("*",), days=30)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> People:
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture
def desk(known: People, tmp_path: Path) -> Desk:
    return Desk(known, verdict(WORSE, row("safety", "pass")), known.policy(), Log(tmp_path / "decisions.jsonl"))


def test_an_override_by_whom_the_policy_lets_counts(desk: Desk) -> None:
    found = desk.standing(desk.sign(WORSE))
    assert (found.person, found.void, found.note) == ("Ada", "", "")
    assert found.override.reason == "within noise"


# What is void: it was signed in good faith, and does not count, or not any more.


def void(desk: Desk, signed: Signed, now: datetime = NOW) -> str:
    found = desk.standing(signed, now)
    assert found.person is None
    assert found.void
    return found.void


def test_who_may_not_sign_does_not_count(desk: Desk) -> None:
    assert "Mallory may not override" in void(desk, desk.sign(WORSE, "Mallory"))


def test_whoever_ran_it_does_not_count(desk: Desk) -> None:
    mine = desk.about(verdict(WORSE, authors=("eve@example.org", "Ada@Example.org")))
    assert "Ada ran this" in void(mine, mine.sign(WORSE))
    assert mine.standing(mine.sign(WORSE, "Grace")).person == "Grace"


def test_whoever_ran_it_counts_where_the_policy_says_so(desk: Desk) -> None:
    lax = desk.under(desk.people.policy(Rule(roles=("release",), gates=("*",), days=30, author_may_review=True)))
    mine = lax.about(verdict(WORSE, authors=("ada@example.org",)))
    assert mine.standing(mine.sign(WORSE)).person == "Ada"


def test_another_verdicts_override_does_not_count(desk: Desk) -> None:
    signed = desk.sign(WORSE)
    for other in (
        verdict(row(value=29.0), row("safety", "pass")),
        verdict(WORSE),
        verdict(WORSE, row("safety", "pass"), plan="sha256:" + "3" * 64),
        verdict(WORSE, row("safety", "pass"), artifact="sha256:" + "3" * 64),
        verdict(WORSE, row("safety", "pass"), records={"01": "sha256:" + "3" * 64}),
        verdict(WORSE, row("safety", "pass"), baseline="sha256:" + "3" * 64),
        verdict(WORSE, row("safety", "pass"), authors=("mallory@example.org",)),
    ):
        assert "it is about another verdict" in void(desk.about(other), signed)


@pytest.mark.parametrize(
    ("changes", "now", "reason"),
    [
        ({}, NOW + timedelta(days=7), "it expired on 2026-06-08T12:00:00Z"),
        ({}, NOW + timedelta(days=900), "it expired"),
        ({"expires": spelled(NOW - timedelta(seconds=1))}, NOW, "it expired"),
        ({"expires": spelled(NOW + timedelta(days=31))}, NOW, "longer than the 30 days"),
        ({"expires": "9999-12-31T23:59:59Z"}, NOW, "longer than the 30 days"),
        ({"signed": spelled(NOW + timedelta(days=20)), "expires": spelled(NOW + timedelta(days=40))}, NOW, "still to come"),
    ],
)
def test_an_override_out_of_its_time_does_not_count(desk: Desk, changes: dict[str, Any], now: datetime, reason: str) -> None:
    assert reason in void(desk, desk.sign(WORSE, **changes), now)


def test_it_counts_to_the_last_second_and_not_one_more(desk: Desk) -> None:
    signed = desk.sign(WORSE)
    assert desk.standing(signed, NOW + timedelta(days=7, seconds=-1)).person == "Ada"
    assert desk.standing(signed, NOW + timedelta(days=7)).person is None


def test_missing_evidence_counts_only_where_the_policy_says_so(desk: Desk) -> None:
    blind = desk.about(verdict(unmeasured()))
    assert "has no evidence" in void(blind, blind.sign(unmeasured()))
    lax = blind.under(desk.people.policy(Rule(roles=("release",), gates=("*",), days=30, missing_evidence=True)))
    assert lax.standing(lax.sign(unmeasured())).person == "Ada"


def test_a_missing_baseline_is_not_overridden_but_bootstrapped(desk: Desk) -> None:
    lax = desk.under(desk.people.policy(Rule(roles=("release",), gates=("*",), days=30, missing_evidence=True)))
    first = lax.about(verdict(without_baseline()))
    assert "has no baseline" in void(first, first.sign(without_baseline()))
    assert first.standing(first.sign(None)).person == "Ada"


def test_a_gate_that_the_verdict_does_not_have_does_not_count(desk: Desk) -> None:
    assert "has no gate" in void(desk, desk.sign(WORSE, gate="mmlu >= 12"))
    assert "has no gate" in void(desk, desk.sign(WORSE, stage="02_exam"))


def test_without_a_policy_nothing_counts(desk: Desk) -> None:
    assert "there is no policy" in void(desk.under(None), desk.sign(WORSE))


CHANGES: dict[str, tuple[Callable[[People], Policy], str]] = {
    "the person": (
        lambda known: known.policy(people=(known.person("Grace", "release"),)),
        "Ada is none of the policy's people; the policy has changed",
    ),
    "the key": (
        lambda known: known.policy(people=(attrs.evolve(known.person("Grace", "release"), name="Ada"),)),
        "not signed by a key that the policy has for Ada; the policy has changed",
    ),
    "the gates": (
        lambda known: known.policy(Rule(roles=("release",), gates=("x",), days=30)),
        "lets nobody override .*; the policy has changed",
    ),
    "the days": (lambda known: known.policy(Rule(roles=("release",), gates=("*",), days=6)), "longer than the 6 days"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_policy_that_does_not_allow_it_any_more_voids_it(desk: Desk, what: str) -> None:
    change, reason = CHANGES[what]
    signed = desk.sign(WORSE)
    assert re.search(reason, void(desk.under(change(desk.people)), signed))


def test_a_policy_that_changed_and_still_allows_it_is_named(desk: Desk) -> None:
    signed = desk.sign(WORSE)
    found = desk.under(desk.people.policy(known_authors=False, contamination=Rule(roles=("release",), days=1))).standing(signed)
    assert found.person == "Ada"
    assert "the policy has changed since it was signed" in found.note


# A first release.


def test_a_bootstrap_counts_for_a_pipeline_of_which_nothing_was_let_out(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline()))
    signed = first.sign(None)
    assert signed.purpose == BOOTSTRAP
    first.release(first.verdict)
    assert first.standing(signed).person == "Ada"
    assert first.standing(first.sign(None)).person == "Ada"  # signed again, for the same verdict


def test_a_second_model_is_no_first_release(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline()))
    first.release(verdict(row("other", "pass")))
    assert "was let out before" in void(first, first.sign(None))
    lax = first.under(desk.people.policy(bootstrap=Bootstrap(roles=("release",), days=30, again=True)))
    assert lax.standing(lax.sign(None)).person == "Ada"


def test_of_two_bootstraps_signed_at_once_one_is_the_first_release(desk: Desk) -> None:
    one, other = desk.about(verdict(without_baseline())), desk.about(verdict(without_baseline("gsm8k")))
    signed = one.sign(None), other.sign(None)
    assert [found.standing(by).person for found, by in zip((one, other), signed, strict=True)] == ["Ada", "Ada"]
    one.release(one.verdict)
    assert one.standing(signed[0]).person == "Ada"
    assert "was let out before" in void(other, signed[1])


def test_another_pipelines_release_changes_nothing(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline()))
    first.release(verdict(row("other", "pass"), pipeline="q"))
    assert first.standing(first.sign(None)).person == "Ada"


def test_a_first_release_stays_one_when_others_follow(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline()))
    signed = first.sign(None)
    first.release(first.verdict)
    first.release(verdict(row("other", "pass")))
    assert first.standing(signed).person == "Ada"  # so that one can go back to it


def test_who_may_override_may_not_therefore_bootstrap(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline())).under(desk.people.policy(bootstrap=None))
    assert "lets nobody bootstrap" in void(first, first.sign(None))


# What was tampered with.


def tampered(desk: Desk, signed: Signed) -> str:
    with pytest.raises((BadSignature, LogBroken)) as error:
        desk.standing(signed)
    assert error.value.exit == 4
    return error.value.message


@pytest.mark.parametrize("relogged", [False, True])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expires", "2026-06-30T12:00:00Z"),
        ("gate", "safety >= 40"),
        ("verdict", "sha256:" + "0" * 64),
        ("reviewer", "Grace"),
        ("reason", "none"),
        ("value", 31.0),
        ("authors", []),
        ("policy", "sha256:" + "0" * 64),
    ],
)
def test_an_edited_statement_is_refused_also_where_the_log_was_edited_alike(desk: Desk, key: str, value: Any, relogged: bool) -> None:
    signed = desk.sign(WORSE)
    edited = attrs.evolve(signed, statement={**signed.statement, key: value})
    said = tampered(desk, desk.file(edited) if relogged else edited)
    assert ("does not match" if relogged else "decision log") in said


def test_an_edited_signature_is_refused(desk: Desk) -> None:
    signed = desk.sign(WORSE)
    lines = signed.signature.splitlines()
    for index in range(1, len(lines) - 1):
        other = ("A" if lines[index][-1] != "A" else "B") if not lines[index].endswith("=") else "A"
        text = "\n".join([*lines[:index], lines[index][:-1] + other, *lines[index + 1 :]]) + "\n"
        assert tampered(desk, desk.file(attrs.evolve(signed, signature=text)))


@pytest.mark.parametrize(
    "text", ["", "none", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", "\x1b[2J", "ü", "x" * 100_000]
)
def test_what_is_no_signature_is_refused(desk: Desk, text: str) -> None:
    tampered(desk, desk.file(attrs.evolve(desk.sign(WORSE), signature=text)))


def test_a_signature_in_anothers_name_is_forged(desk: Desk) -> None:
    assert "what Ada is said to have signed is forged" in tampered(desk, desk.sign(WORSE, "Ada", by="Mallory"))


def test_a_forged_one_that_names_another_policy_still_does_not_count(desk: Desk) -> None:
    assert "not signed by a key" in void(desk, desk.sign(WORSE, "Ada", by="Mallory", policy="sha256:" + "0" * 64))


@pytest.mark.parametrize("purpose", [EXCEPTION, "file", "git"])
def test_a_signature_for_something_else_is_no_override(desk: Desk, purpose: str) -> None:
    assert "is no override" in tampered(desk, desk.sign(WORSE, purpose=purpose))
    borrowed = attrs.evolve(desk.sign(WORSE, purpose=purpose), purpose=OVERRIDE)
    assert "does not match" in tampered(desk, desk.file(borrowed))


def test_a_bootstrap_is_no_override_and_the_other_way_round(desk: Desk) -> None:
    tampered(desk, desk.sign(WORSE, purpose=BOOTSTRAP))
    tampered(desk, desk.sign(None, purpose=OVERRIDE))


@pytest.mark.parametrize(
    "change", [{"expires": "tomorrow"}, {"signed": ""}, {"reason": "fine\nSHIP: all gates pass"}, {"reviewer": "Ada\x1b[2J"}]
)
def test_words_that_mean_nothing_are_no_override(desk: Desk, change: dict[str, Any]) -> None:
    assert "is no override" in tampered(desk, desk.sign(WORSE, **{**change, "by": "Ada"}))


def test_an_override_that_the_log_has_lost_is_refused(desk: Desk) -> None:
    signed = desk.sign(WORSE)
    desk.log.path.unlink()
    assert "the decision log does not have the entry" in tampered(desk, signed)


def test_an_override_that_names_another_line_of_the_log_is_refused(desk: Desk) -> None:
    first, second = desk.sign(WORSE), desk.sign(WORSE, reason="another")
    assert "is not what line 2 of the decision log has" in tampered(desk, attrs.evolve(first, logged=second.logged))


def rewritten(log: Log, keep: Callable[[int], bool]) -> None:
    """The log anew, whole in itself, of the entries whose numbers are kept."""
    entries = log.entries()
    log.path.unlink()
    with log.held() as held:
        for entry in entries:
            if keep(entry.number):
                held.append(entry.kind, entry.facts, time=entry.time, by=entry.by)


def test_a_log_that_was_written_anew_without_a_line_is_found_by_what_was_signed_later(desk: Desk) -> None:
    desk.release(verdict(row("other", "pass")))
    desk.release(desk.verdict)
    signed = desk.sign(WORSE)
    rewritten(desk.log, lambda number: number != 1)
    moved = attrs.evolve(signed, logged=desk.log.entries()[-1].digest)  # the manifest is edited to fit
    assert "has lost the entry" in tampered(desk, moved)


# Signing.


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_every_kind_of_key_signs(tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path, "ada", kind)
    statement = {"reviewer": "Ada", "words": "ü", "number": 1.5}
    verify(statement, sign(statement, EXCEPTION, key), EXCEPTION, Person(name="Ada", keys=(public(key),)))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**50), 2**50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), values, max_size=4), values)
def test_a_signature_is_of_its_statement_and_no_other(known: People, statement: dict[str, Any], value: Any) -> None:
    signature = sign(statement, EXCEPTION, known.keys["Ada"])
    verify(statement, signature, EXCEPTION, known.person("Ada"))
    other = {**statement, "more": value}
    if spell(other) != spell(statement):
        with pytest.raises(BadSignature):
            check_whole(other, signature, EXCEPTION)


@pytest.mark.parametrize("purpose", ["", "git", "pdsl-override@v2", f"{OVERRIDE}\0", "\ud800"])
def test_nothing_is_signed_for_a_purpose_that_nobody_knows(known: People, purpose: str) -> None:
    signature = sign({"a": 1}, OVERRIDE, known.keys["Ada"])
    with pytest.raises(BadSignature, match="nothing is signed as"):
        check_whole({"a": 1}, signature, purpose)


def test_a_name_is_never_a_pattern(known: People) -> None:
    signature = sign({"a": 1}, OVERRIDE, known.keys["Mallory"])
    for name in ("*", "?", "Ada,*", 'Ada namespaces="*"', "Ada\n*", "!x,*"):
        with pytest.raises(NotAllowed):
            verify({"a": 1}, signature, OVERRIDE, attrs.evolve(known.person("Ada"), name=name, emails=("*",)))


def test_a_person_without_keys_has_signed_nothing(known: People) -> None:
    signature = sign({"a": 1}, OVERRIDE, known.keys["Ada"])
    with pytest.raises(NotAllowed):
        verify({"a": 1}, signature, OVERRIDE, attrs.evolve(known.person("Ada"), keys=()))


def test_a_key_in_an_agent_signs_by_its_public_half(known: People, tmp_path: Path) -> None:
    half = tmp_path / "key.pub"
    half.write_text(public(known.keys["Ada"]) + "\n")
    with pytest.raises(Usage, match="cannot sign with"):
        sign({"a": 1}, OVERRIDE, half)
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True)
    values = dict(part.split("=") for line in agent.stdout.splitlines() for part in [line.partition(";")[0]] if "=" in part)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSH_AUTH_SOCK", values["SSH_AUTH_SOCK"])
            subprocess.run(["ssh-add", "-q", str(known.keys["Ada"])], check=True, capture_output=True)
            verify({"a": 1}, sign({"a": 1}, OVERRIDE, half), OVERRIDE, known.person("Ada"))
    finally:
        subprocess.run(["kill", values["SSH_AGENT_PID"]], check=True)


def git_config(home: Path, **values: str) -> None:
    for name, value in values.items():
        subprocess.run(["git", "config", "--file", str(home / ".gitconfig"), name.replace("_", "."), value], check=True)


def test_without_a_key_gits_or_the_usual_one_signs(known: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Usage, match="there is no key to sign with"):
        sign({"a": 1}, OVERRIDE)
    (tmp_path / ".ssh").mkdir()
    shutil.copy(known.keys["Ada"], tmp_path / ".ssh" / "id_ed25519")
    verify({"a": 1}, sign({"a": 1}, OVERRIDE), OVERRIDE, known.person("Ada"))
    git_config(tmp_path, gpg_format="ssh", user_signingkey=str(known.keys["Grace"]))
    verify({"a": 1}, sign({"a": 1}, OVERRIDE), OVERRIDE, known.person("Grace"))
    git_config(tmp_path, gpg_format="openpgp")  # then git's key is none of SSH
    verify({"a": 1}, sign({"a": 1}, OVERRIDE), OVERRIDE, known.person("Ada"))


def test_without_ssh_keygen_it_is_said_how_to_install_it(known: People, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Usage) as error:
        sign({"a": 1}, OVERRIDE, known.keys["Ada"])
    assert "apt-get install openssh-client" in error.value.help


def test_a_key_that_is_not_there_or_none_is_named(known: People, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="there is no key"):
        sign({"a": 1}, OVERRIDE, tmp_path / "nothing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(Usage, match="cannot sign with"):
        sign({"a": 1}, OVERRIDE, tmp_path / "text")


# Finding the gate that a person means.


def test_a_gate_is_found_by_its_metric_or_by_its_text() -> None:
    found = verdict(WORSE, row("safety", "pass"))
    for name in ("mmlu", "mmlu >= 40", " mmlu  >=  40 ", "mmlu >= 40 of 01_exam"):
        assert find_row(found, name) is WORSE


def test_of_several_gates_on_a_metric_the_one_that_fails_is_meant() -> None:
    assert find_row(verdict(row(result="pass", gate="mmlu >= baseline"), WORSE), "mmlu") is WORSE


@pytest.mark.parametrize(
    ("name", "reason"),
    [("mlu", "has no gate `mlu`"), ("safety", "passes: there is nothing to override"), ("mmlu", "more than one gate"), ("", "has no gate")],
)
def test_a_gate_that_cannot_be_meant_is_refused(name: str, reason: str) -> None:
    other = row(gate="mmlu >= 40", stage="02_exam")
    with pytest.raises(Usage, match=reason):
        find_row(verdict(WORSE, other, row("safety", "pass")), name)
    assert find_row(verdict(WORSE, other), "mmlu >= 40 of 02_exam") is other


def test_times_are_spelled_in_one_way() -> None:
    assert moment(spelled(NOW)) == NOW
    for text in ("2026-06-01", "2026-06-01T12:00:00", "2026-06-01T12:00:00+02:00", "now", ""):
        with pytest.raises(ValueError, match="does not match"):
            moment(text)


def test_what_is_signed_is_read_back_from_a_manifest(desk: Desk, tmp_path: Path) -> None:
    from pipeline_dsl.store.strict_yaml import dumped, mapping

    signed = desk.sign(WORSE, reason="within its noise: \u201cfine\u201d, 1e-05")
    file = tmp_path / "signed.yaml"
    file.write_text(dumped(unstructure(signed)))
    assert mapping(file, "thing", 10_000) == unstructure(signed)
