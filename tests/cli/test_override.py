"""Overrides from the command line, with real keys: who may let a held run out, and what a dishonest engineer tries."""

import json
import random
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from pipeline_dsl.base.fault import Fault, Usage
from pipeline_dsl.cli.formats.decision import text
from pipeline_dsl.cli.gate import decide_opened, open_run
from pipeline_dsl.cli.signing import end
from pipeline_dsl.gates.policy import Terms
from pipeline_dsl.gates.statement import spelled
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.log import Log
from tests.command import run
from tests.gates.people import People, people, public
from tests.gates.test_verdict import Shipped, shipped, shipping
from tests.runner.bench import Bench

POLICY = """
policy_version: 1
people:
  - {{name: Ada, emails: [ada@example.org], keys: ["{Ada}"], roles: [release]}}
  - {{name: Grace, emails: [grace@example.org], keys: ["{Grace}"], roles: [release, safety]}}
  - {{name: Mallory, emails: [mallory@example.org], keys: ["{Mallory}"]}}
overrides:
  - {{roles: [safety], families: [safety], days: 7, reviewers: 1}}
  - {{roles: [release], gates: ["*"], days: 30}}
bootstrap: {{roles: [release], days: 90}}
"""

AUTHOR = "grace@example.org"


@attrs.frozen
class Office:
    """A folder with a held run, a policy, and people with keys."""

    run: Shipped
    people: People

    def pdsl(self, *words: str | Path, **environment: str) -> Any:
        return self.run.bench.pdsl(*words, **{"PDSL_AUTHOR": AUTHOR, **environment})

    def override(self, who: str = "Ada", *more: str | Path, gate: str = "mmlu", by: str = "") -> Any:
        named = () if "--bootstrap" in more else ("--gate", gate)
        return self.pdsl(
            "override", self.run.file, *named, "--reviewer", who, "--reason", "within noise", "--key", self.people.keys[by or who], *more
        )

    @property
    def log(self) -> Path:
        return self.run.bench.store.layout.decisions

    @property
    def policy(self) -> Path:
        return self.run.bench.folder / "pdsl-policy.yaml"

    def gate(self, *, policy: Path | None = None, baseline: Path | None = None) -> tuple[int, str]:
        """What `pdsl gate` exits with and prints, without a process of its own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.run.bench.folder)
            try:
                decision = decide_opened(open_run(self.run.file, self.run.bench.store), baseline, policy)
            except Fault as fault:
                return int(fault.exit), str(fault)
            return (0 if decision.ships else 3), text(decision)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> People:
    return people(tmp_path_factory.mktemp("people"))


def office(folder: Path, known: People, edit: Callable[[str], str] = str, **changes: Any) -> Office:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDSL_AUTHOR", AUTHOR)
        run = shipped(folder, edit(shipping(**changes)))
    (folder / "pdsl-policy.yaml").write_text(POLICY.format(**{name: public(key) for name, key in known.keys.items()}))
    return Office(run, known)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory, known: People) -> tuple[Office, Office]:
    """A held run, and the same once Ada has signed for it."""
    held = office(tmp_path_factory.mktemp("held"), known, new=30.0)
    signed = copied(held, tmp_path_factory.mktemp("signed"))
    assert signed.override().returncode == 0
    return held, signed


def copied(found: Office, folder: Path) -> Office:
    before = found.run.bench.folder
    shutil.copytree(before, folder, dirs_exist_ok=True)
    return Office(Shipped(Bench(folder), found.run.plan, folder / found.run.file.relative_to(before)), found.people)


@pytest.fixture
def held(originals: tuple[Office, Office], tmp_path: Path) -> Office:
    return copied(originals[0], tmp_path)


@pytest.fixture
def signed(originals: tuple[Office, Office], tmp_path: Path) -> Office:
    return copied(originals[1], tmp_path)


def test_a_held_run_goes_out_by_an_allowed_reviewers_word(held: Office) -> None:
    assert held.gate()[0] == 3
    assert held.pdsl("export", held.run.file, "--out", "model").returncode == 3
    assert not held.log.exists()
    ended = held.override("ada@example.org", "--expires", "14d", by="Ada")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Ada signed an override of `mmlu >= baseline + 0.5`")
    ended = held.pdsl("gate")
    assert ended.returncode == 0
    assert ended.stdout.startswith("SHIP by override: shipping, 1 of 3 gates overridden")
    assert "overridden by Ada until" in ended.stdout
    assert held.pdsl("export", held.run.file, "--out", "model").returncode == 0
    assert (held.run.bench.folder / "model").is_dir()
    kinds = [entry["kind"] for entry in json.loads(held.pdsl("log", "--json").stdout)["entries"]]
    assert kinds == ["override", "export"]


def test_programs_read_the_decision_apart_from_the_verdict(signed: Office) -> None:
    data = json.loads(signed.pdsl("gate", signed.run.file, "--json").stdout)
    assert (data["decision"], data["verdict"], data["ship"]) == ("SHIP by override", "HOLD", False)
    (override,) = data["rows"][0]["overridden"]
    assert (override["reviewer"], override["reason"], override["kind"]) == ("Ada", "within noise", "override")
    assert [row["overridden"] for row in data["rows"][1:]] == [[], []]


def refused(ended: Any, code: int, *reasons: str) -> None:
    assert ended.returncode == code, ended.stdout + ended.stderr
    for reason in reasons:
        assert reason in ended.stdout + ended.stderr


def test_who_may_not_is_refused_and_nothing_is_written(held: Office) -> None:
    before = held.run.file.read_bytes()
    refused(held.override("Mallory"), 3, "Mallory may not override", "takes the role release")
    refused(held.override("Nobody", by="Mallory"), 3, "Nobody is none of the policy's people", "Ada, Grace, Mallory")
    refused(held.override("Ada", by="Mallory"), 3, "not signed by a key that the policy has for Ada")
    refused(held.override("Grace"), 3, "Grace ran this")
    refused(held.override("Ada", "--expires", "31d"), 3, "longer than the 30 days")
    assert held.run.file.read_bytes() == before
    assert not held.log.exists()


def test_whoever_ran_it_cannot_edit_themselves_out_of_it(held: Office) -> None:
    assert manifests.read(held.run.file).author == AUTHOR
    held.run.edit(lambda data: data.update(author="somebody@example.org"))
    refused(held.override("Grace"), 3, "Grace ran this")
    held.run.edit(lambda data: data.pop("author"))
    refused(held.override("Grace"), 3, "Grace ran this")


def test_who_signed_and_then_edits_the_author_voids_it(signed: Office) -> None:
    signed.run.edit(lambda data: data.update(author="somebody@example.org"))
    code, said = signed.gate()
    assert code == 3
    assert "it is about another verdict" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--reason", " "), "needs a reason"),
        (("--reason", "a\nb"), "on one line"),
        (("--expires", "soon"), "is no time"),
        (("--expires", "0d"), "is no time"),
        (("--gate", "cost_total_usd"), "passes: there is nothing to override"),
        (("--gate", "mlu"), "has no gate `mlu`"),
        (("--bootstrap",), "--gate NAME for a gate that fails, or --bootstrap"),
        (("--key", "nothing"), "there is no key nothing"),
        (("--policy", "nothing.yaml"), "cannot read nothing.yaml"),
    ],
)
def test_what_makes_no_sense_is_refused(held: Office, words: tuple[str, ...], reason: str) -> None:
    usual = ["override", held.run.file, "--gate", "mmlu", "--reviewer", "Ada", "--reason", "r", "--key", held.people.keys["Ada"]]
    refused(held.pdsl(*usual, *words), 2, reason)


def test_a_policy_that_is_named_is_looked_for_although_nothing_is_signed_yet(held: Office) -> None:
    refused(held.pdsl("gate", "--policy", "nothing.yaml"), 2, "cannot read nothing.yaml")


def test_a_past_end_is_refused(held: Office) -> None:
    refused(held.override("Ada", "--expires", "2020-01-01"), 3, "it expired on 2020-01-02T00:00:00Z")


def test_without_a_policy_nobody_signs_and_nothing_signed_counts(signed: Office) -> None:
    signed.policy.unlink()
    refused(signed.override(), 2, "there is no policy")
    code, said = signed.gate()
    assert code == 3
    assert "there is no policy to judge it by" in said


def test_a_policy_that_is_none_is_said_to_be_so(signed: Office) -> None:
    signed.policy.write_text("policy_version: 1\npeople: []\nanybody: may\n")
    refused(signed.override(), 1, "anybody")
    assert signed.gate()[0] == 1


def test_a_policy_elsewhere_is_named_or_comes_from_the_environment(signed: Office) -> None:
    elsewhere = signed.policy.rename(signed.run.bench.folder / "other.yaml")
    assert signed.gate(policy=elsewhere)[0] == 0
    assert signed.pdsl("gate", signed.run.file, PDSL_POLICY=str(elsewhere)).returncode == 0
    assert signed.gate()[0] == 3


def test_a_run_that_ships_is_not_overridden(tmp_path: Path, known: People) -> None:
    good = office(tmp_path, known)
    refused(good.override(), 2, "shipping ships: there is nothing to override")
    refused(good.override("Ada", "--bootstrap"), 2, "shipping ships")


def test_a_run_that_is_not_complete_is_not_overridden(held: Office) -> None:
    held.run.edit(lambda data: data["stages"].popitem())
    refused(held.override(), 2, "no override lets this run out", "not complete")


# Attacks: whoever may write to the manifest, the store and the folder.


def edit_statement(key: str, value: Any) -> Callable[[Any], None]:
    return lambda data: data["overrides"][0]["statement"].update({key: value})


def edit_signature(data: Any) -> None:
    whole = data["overrides"][0]["signature"]
    data["overrides"][0]["signature"] = whole[:100] + ("A" if whole[100] != "A" else "B") + whole[101:]


EDITS: dict[str, Callable[[Any], None]] = {
    "its end": edit_statement("expires", "2099-01-01T00:00:00Z"),
    "its gate": edit_statement("gate", "safety_violation_rate <= 0.05"),
    "its verdict": edit_statement("verdict", "sha256:" + "0" * 64),
    "its reviewer": edit_statement("reviewer", "Grace"),
    "its reason": edit_statement("reason", "all is well"),
    "a key more": edit_statement("more", True),
    "a key less": lambda data: data["overrides"][0]["statement"].pop("log"),
    "its signature": edit_signature,
    "its purpose": lambda data: data["overrides"][0].update(purpose="pdsl-bootstrap@v1"),
    "its line of the log": lambda data: data["overrides"][0].update(logged="sha256:" + "0" * 64),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_override_is_refused(signed: Office, what: str) -> None:
    signed.run.edit(EDITS[what])
    assert signed.gate()[0] == 4


def test_what_was_tampered_with_is_let_out_by_no_command(signed: Office) -> None:
    signed.run.edit(EDITS["its end"])
    for words in (("export", signed.run.file, "--out", "model"), ("serve", signed.run.file), ("gate", signed.run.file)):
        refused(signed.pdsl(*words), 4, "was edited")
    assert not (signed.run.bench.folder / "model").exists()


def test_an_edited_line_of_the_log_is_refused_and_named(signed: Office) -> None:
    signed.pdsl("export", signed.run.file, "--out", "one")
    signed.log.write_bytes(signed.log.read_bytes().replace(b"within noise", b"as approved"))
    for words in (("gate", signed.run.file), ("export", signed.run.file, "--out", "two"), ("log",), ("log", "--json"), ("log", "--repair")):
        refused(signed.pdsl(*words), 4, "broken at line 1")
    refused(signed.override(), 4, "broken at line 1")
    assert not (signed.run.bench.folder / "two").exists()


def test_a_run_that_needs_no_override_is_not_let_out_past_a_broken_log(tmp_path: Path, known: People) -> None:
    good = office(tmp_path, known)
    assert good.pdsl("export", good.run.file, "--out", "one").returncode == 0
    good.log.write_bytes(good.log.read_bytes()[:-5])
    assert good.gate()[0] == 0  # which asks for no override, and lets nothing out
    refused(good.pdsl("export", good.run.file, "--out", "two"), 4, "cut short", "--repair")
    refused(good.pdsl("log", "--repair"), 0, "bytes were cut off", "repair")
    assert good.pdsl("export", good.run.file, "--out", "two").returncode == 0


def test_a_log_that_lost_an_override_is_refused(signed: Office) -> None:
    signed.log.unlink()
    code, said = signed.gate()
    assert code == 4
    assert "the decision log does not have the entry" in said
    refused(signed.pdsl("log", "--verify"), 4, "does not have the entry")


def test_a_log_that_was_cut_is_found_by_a_head_that_was_noted(signed: Office) -> None:
    signed.pdsl("export", signed.run.file, "--out", "one")
    head = json.loads(signed.pdsl("log", "--json").stdout)["head"]
    refused(signed.pdsl("log", "--head", head, "--verify"), 0, head)
    signed.pdsl("export", signed.run.file, "--out", "two")
    refused(signed.pdsl("log", "--head", head), 0, "3 entries, the chain is whole")
    signed.log.write_bytes(signed.log.read_bytes().splitlines(keepends=True)[0])
    refused(signed.pdsl("log"), 0, "1 entry, the chain is whole")
    refused(signed.pdsl("log", "--head", head), 4, "does not have the entry")


def test_an_override_of_another_run_is_void_there(signed: Office) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDSL_AUTHOR", AUTHOR)
        other = shipped(signed.run.bench.folder, shipping(new=20.0, label="worse"))
    borrowed = yaml.safe_load(signed.run.file.read_text())["overrides"]
    other.edit(lambda data: data.update(overrides=borrowed))
    ended = signed.pdsl("gate", other.file)
    refused(ended, 3, "HOLD: mmlu failed", "does not count: it is about another verdict")
    refused(signed.pdsl("export", other.file, "--out", "model"), 3, "does not count")


def test_an_expired_override_holds(held: Office) -> None:
    end = datetime.now(UTC) + timedelta(seconds=6)
    assert held.override("Ada", "--expires", end.isoformat()).returncode == 0
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.1)
    code, said = held.gate()
    assert code == 3
    assert "it expired on" in said
    refused(held.pdsl("export", held.run.file, "--out", "model"), 3, "it expired on")
    assert held.override().returncode == 0
    assert held.gate()[0] == 0


def test_a_policy_that_lets_oneself_in_is_named(held: Office) -> None:
    honest = held.policy.read_text()
    held.policy.write_text(honest.replace('mallory@example.org], keys: ["', 'm@example.org], roles: [release], keys: ["'))
    assert held.override("Mallory").returncode == 0
    assert held.gate()[0] == 0
    held.policy.write_text(honest)
    code, said = held.gate()
    assert code == 3
    assert "Mallory may not override" in said
    assert "the policy has changed since it was signed" in said


def test_running_again_what_is_done_keeps_what_was_signed(signed: Office) -> None:
    before = manifests.read(signed.run.file).overrides
    assert signed.pdsl("stage", "manifest", "--plan", signed.run.file.parent / "plan.json").returncode == 0
    assert manifests.read(signed.run.file).overrides == before
    assert signed.gate()[0] == 0


def test_a_model_that_was_swapped_is_not_let_out(signed: Office) -> None:
    store = signed.run.bench.store
    made = manifests.read(signed.run.file).stages[signed.run.plan.ships or ""].output_hash
    blob = next(store.blob(entry) for entry in store.tree(made).files if entry.size)
    blob.chmod(0o644)
    blob.write_bytes(b"another")
    for words in (
        ("gate", signed.run.file),
        ("export", signed.run.file, "--out", "model"),
        ("override", signed.run.file, "--gate", "mmlu"),
    ):
        more = ("--reviewer", "Ada", "--reason", "r") if words[0] == "override" else ()
        refused(signed.pdsl(*words, *more), 4, "is corrupt")


# A first release.


def test_a_first_release_takes_a_signed_bootstrap_and_the_next_a_baseline(tmp_path: Path, known: People) -> None:
    release = "Release(manifest='release.yaml')"  # which is not there yet
    made = [{"baseline": release, "label": label, "new": new} for label, new in (("a", 50.0), ("b", 60.0))]
    boot, better = (office(tmp_path, known, edit=lambda text: text.replace("old = Exam", "_ = Exam"), **changes) for changes in made)
    code, said = boot.gate()
    assert code == 3
    assert "there is no baseline" in said
    refused(boot.override(), 3, "has no baseline", "--bootstrap")
    refused(boot.override("Mallory", "--bootstrap"), 3, "Mallory may not bootstrap")
    refused(boot.override("Ada", "--bootstrap"), 0, "Ada signed a bootstrap of shipping", "bootstrapped by Ada until")
    assert boot.pdsl("export", boot.run.file, "--out", "first").returncode == 0
    refused(better.override("Ada", "--bootstrap"), 3, "this is no first release", "--baseline")
    assert better.gate(baseline=boot.run.file)[0] == 0
    assert better.pdsl("export", better.run.file, "--baseline", boot.run.file, "--out", "second").returncode == 0
    assert boot.pdsl("export", boot.run.file, "--out", "third").returncode == 0  # one can go back to the first
    refused(boot.pdsl("log", "--verify"), 0, "bootstrap", "4 entries, the chain is whole")


def test_an_empty_log_says_so(held: Office) -> None:
    refused(held.pdsl("log", "--verify"), 0, "0 entries, the chain is whole")
    assert json.loads(held.pdsl("log", "--json").stdout) == {"version": 1, "head": None, "entries": []}


def test_a_policy_that_was_edited_and_not_committed_is_named(signed: Office) -> None:
    def git(*words: str) -> None:
        run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=signed.policy.parent).check_returncode()

    unreviewed = "pdsl-policy.yaml is not as it was committed"
    assert unreviewed not in signed.gate()[1]
    git("init", "-q")
    assert unreviewed in signed.gate()[1]
    git("add", "pdsl-policy.yaml")
    git("commit", "-q", "-m", "policy")
    assert unreviewed not in signed.gate()[1]
    signed.policy.write_text(signed.policy.read_text() + "# one more line\n")
    assert unreviewed in signed.gate()[1]


def test_two_people_who_sign_at_the_same_time_are_both_kept(held: Office) -> None:
    rule = '- {roles: [release], gates: ["*"], days: 30'
    held.policy.write_text(held.policy.read_text().replace(rule, f"{rule}, reviewers: 2, author_may_review: true"))
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(held.override, ("Ada", "Grace")))
    assert [found.returncode for found in ended] == [0, 0]
    code, said = held.gate()
    assert code == 0
    assert "overridden by Ada" in said
    assert "overridden by Grace" in said


def test_a_store_with_a_broken_log_is_not_whole(signed: Office) -> None:
    refused(signed.pdsl("store", "verify"), 0, "the store is whole")
    signed.log.write_bytes(signed.log.read_bytes().replace(b"within", b"beyond"))
    refused(signed.pdsl("store", "verify"), 4, "decisions.jsonl: line 1")
    refused(signed.pdsl("store", "gc", "--damaged"), 0)
    assert signed.log.exists()


ODD: dict[str, dict[str, Any]] = {
    "no statement": {"signature": "x"},
    "a statement that is none": {"statement": "all", "signature": 1, "purpose": []},
    "an empty statement": {"statement": {}, "signature": "", "purpose": ""},
    "an artifact that is none": {"artifact": 1, "verdict": [], "decision": {}},
    "overrides that nobody made": {"artifact": "sha256:00", "overrides": ["sha256:00"]},
    "a terminal's commands": {"statement": {"pipeline": "\x1b[2J", "reviewer": "a\nb"}, "signature": "", "purpose": ""},
}


@pytest.mark.parametrize("what", ODD)
def test_an_entry_that_means_nothing_is_shown_and_refused(held: Office, what: str) -> None:
    with Log(held.log).held() as log:
        log.append("override", ODD[what], time="2026-01-01T00:00:00Z", by="\x1b[2J")
    ended = held.pdsl("log")
    refused(ended, 0, "1 entry, the chain is whole")
    assert "\x1b" not in ended.stdout
    assert len(ended.stdout.splitlines()) == 2
    refused(held.pdsl("log", "--verify"), 4)


@pytest.mark.parametrize(
    "text", ["9999-12-31", "9999-12-31T23:59:59-10:00", "0001-01-01T00:00+14:00", "20270131T99", "1e9d", "-3d", "99999d"]
)
def test_a_time_that_cannot_be_is_no_time(text: str) -> None:
    with pytest.raises(Usage, match="is no time"):
        end(text, Terms(roles=("release",), days=30), datetime(2026, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "2026-06-21T00:00:00Z"),
        ("12h", "2026-06-01T12:00:00Z"),
        ("2w", "2026-06-15T00:00:00Z"),
        ("2026-06-03", "2026-06-04T00:00:00Z"),
        ("2026-06-03T12:00", "2026-06-03T12:00:00Z"),
        ("2026-06-03T12:00+02:00", "2026-06-03T10:00:00Z"),
    ],
)
def test_an_end_is_a_span_a_date_or_a_time(text: str | None, what: str) -> None:
    assert spelled(end(text, Terms(roles=("release",), days=20), datetime(2026, 6, 1, tzinfo=UTC))) == what


def test_no_byte_of_what_was_signed_can_be_changed_unseen(signed: Office) -> None:
    whole = signed.run.file.read_bytes()
    before = manifests.read(signed.run.file)
    start = whole.index(b"\noverrides:") + 1
    chance = random.Random(7)
    for _ in range(60):
        place = chance.randrange(start, len(whole))
        changed = bytes([chance.choice([byte for byte in b"A0aZ9 -_\n:'" if byte != whole[place]])])
        signed.run.file.write_bytes(whole[:place] + changed + whole[place + 1 :])
        code, said = signed.gate()
        if code == 0:  # another spelling of the same
            assert manifests.read(signed.run.file) == before, (place, changed)
        else:
            assert code in (1, 3, 4), said
