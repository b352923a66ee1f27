"""Exemptions from the command line, with real keys: which contaminated items may be let through, by whom, and what does not count."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.cli.formats.decision import data, text
from pipeline_dsl.cli.gate import judge_run, open_run
from pipeline_dsl.gates.decision import decide_run
from pipeline_dsl.gates.policy import read_policy
from tests.gates.people import People, people, public
from tests.gates.test_verdict import Shipped, shipped
from tests.stages.contaminated import SHIPPING, prose

pytestmark = pytest.mark.stages

QUOTATION = "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty."
QUESTIONS = [QUOTATION, *(prose(seed) for seed in range(100, 150))]

POLICY = """
policy_version: 1
people:
  - {{name: Ada, emails: [ada@example.org], keys: ["{Ada}"], roles: [safety]}}
  - {{name: Grace, emails: [grace@example.org], keys: ["{Grace}"], roles: [safety]}}
  - {{name: Mallory, emails: [mallory@example.org], keys: ["{Mallory}"], roles: [data]}}
contamination: {{roles: [safety], days: 90{more}}}
"""


@attrs.frozen
class Office:
    """A run that a quotation holds, a policy, and people with keys."""

    run: Shipped
    people: People

    def exempt(self, who: str = "Ada", *more: str | Path, item: str = "suite/asked 0", by: str = "") -> Any:
        words = (
            "exempt",
            self.run.file,
            "--item",
            item,
            "--reviewer",
            who,
            "--reason",
            "a famous speech",
            "--key",
            self.people.keys[by or who],
        )
        return self.run.bench.pdsl(*words, *more)

    def decide(self, days: float = 0) -> tuple[str, str, dict[str, Any]]:
        """(outcome, what `pdsl gate` prints, what it prints as JSON), so many days from now."""
        policy = read_policy(self.run.bench.folder / "pdsl-policy.yaml")
        run = open_run(self.run.file, self.run.bench.store)
        decision = decide_run(run, judge_run(run, None), policy, datetime.now(UTC) + timedelta(days=days))
        return decision.outcome, text(decision), data(decision)

    @property
    def log(self) -> Path:
        return self.run.bench.store.layout.decisions

    def rules(self, more: str) -> None:
        """Write the policy, with more terms."""
        keys = {name: public(key) for name, key in self.people.keys.items()}
        (self.run.bench.folder / "pdsl-policy.yaml").write_text(POLICY.format(more=more, **keys))


def ran(folder: Path, known: People, texts: Sequence[str]) -> Office:
    """A run on these texts, by somebody who may not review it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDSL_AUTHOR", "grace@example.org")
        run = shipped(folder, SHIPPING.format(texts=tuple(texts), questions=tuple(QUESTIONS)))
    office = Office(run, known)
    office.rules("")
    return office


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> People:
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory, known: People) -> tuple[Office, Office]:
    """A held run, and the same once Ada has exempted the quotation."""
    held = ran(tmp_path_factory.mktemp("held"), known, [prose(1), f"He said: {QUOTATION.upper()}"])
    signed = copied(held, tmp_path_factory.mktemp("signed"))
    result = signed.exempt()
    assert result.returncode == 0, result.stderr
    assert "Ada exempted suite/asked 0 of shipping" in result.stdout
    return held, signed


def copied(office: Office, folder: Path) -> Office:
    shutil.copytree(office.run.bench.folder, folder, dirs_exist_ok=True, symlinks=True)
    bench = attrs.evolve(office.run.bench, folder=folder)
    file = folder / office.run.file.relative_to(office.run.bench.folder)
    return Office(Shipped(bench, office.run.plan, file), office.people)


@pytest.fixture
def held(originals: tuple[Office, Office], tmp_path: Path) -> Office:
    return copied(originals[0], tmp_path / "held")


@pytest.fixture
def signed(originals: tuple[Office, Office], tmp_path: Path) -> Office:
    return copied(originals[1], tmp_path / "signed")


def test_a_quotation_that_a_reviewer_exempted_no_longer_holds_and_is_still_counted(held: Office, signed: Office) -> None:
    before, after = held.decide(), signed.decide()

    assert (before[0], after[0]) == ("HOLD", "SHIP by override")
    assert "[[FOUR SCORE AND SEVEN YEARS" in before[1]
    assert "1 of 1 items exempted by Ada until" in after[1]
    assert before[2]["digest"] == after[2]["digest"]
    row = after[2]["rows"][-1]
    assert (row["result"], row["value"], row["left"], row["passes_by_exemption"]) == ("fail", pytest.approx(100 / 51), 0.0, True)
    gated = signed.run.bench.pdsl("gate", signed.run.file)
    assert gated.returncode == 0, gated.stdout


def test_what_is_let_out_by_an_exemption_is_logged_with_it(signed: Office) -> None:
    exported = signed.run.bench.pdsl("export", signed.run.file, "--out", "out")
    assert exported.returncode == 0, exported.stderr

    lines = [json.loads(line) for line in signed.log.read_text().splitlines()]
    assert [line["entry"]["kind"] for line in lines] == ["exemption", "export"]
    assert lines[1]["entry"]["facts"]["exemptions"] == [lines[0]["digest"]]


@pytest.mark.parametrize(
    ("who", "by", "item", "code", "said"),
    [
        ("Mallory", "", "suite/asked 0", 3, "Mallory may not exempt contaminated items"),
        ("Grace", "", "suite/asked 0", 3, "Grace ran this"),
        ("Ada", "Mallory", "suite/asked 0", 3, "not signed by a key that the policy has for Ada"),
        ("Nobody", "Ada", "suite/asked 0", 3, "none of the policy's people"),
        ("Ada", "", "suite/asked 1", 2, "names no contaminated item"),
        ("Ada", "", "sha256:0123456789ab", 2, "names no contaminated item"),
        ("Ada", "", "", 2, "names no contaminated item"),
    ],
)
def test_who_may_not_exempt_is_refused(held: Office, who: str, by: str, item: str, code: int, said: str) -> None:
    refused = held.exempt(who, item=item, by=by)

    assert (refused.returncode, said in refused.stderr) == (code, True), refused.stderr
    assert not held.log.exists()


def test_a_policy_that_says_nothing_of_it_lets_nobody_exempt(held: Office) -> None:
    policy = held.run.bench.folder / "pdsl-policy.yaml"
    policy.write_text("".join(line for line in policy.read_text().splitlines(keepends=True) if "contamination" not in line))

    refused = held.exempt()

    assert (refused.returncode, "lets nobody exempt" in refused.stderr) == (3, True)


def test_an_exemption_ends(signed: Office) -> None:
    assert signed.decide(days=29)[0] == "SHIP by override"
    outcome, said, _ = signed.decide(days=31)
    assert outcome == "HOLD"
    assert "Ada's exemption of 1 items does not count: it expired on" in said


def test_where_two_must_sign_one_is_not_enough(signed: Office) -> None:
    signed.rules(", reviewers: 2, author_may_review: true")
    assert signed.decide()[0] == "HOLD"
    again = signed.exempt("Ada")
    assert (again.returncode, signed.decide()[0]) == (0, "HOLD"), again.stderr

    assert signed.exempt("Grace").returncode == 0
    assert signed.decide()[0] == "SHIP by override"


def test_an_edited_line_of_the_log_is_refused(signed: Office) -> None:
    signed.log.write_text(signed.log.read_text().replace("a famous speech", "an infamous one"))

    refused = signed.run.bench.pdsl("gate", signed.run.file)

    assert refused.returncode == 4, refused.stdout


@pytest.mark.parametrize("change", [{"items": ["sha256:" + "0" * 64]}, {"reviewer": "Grace"}, {"expires": "2099-01-01T00:00:00Z"}])
def test_a_log_that_was_written_anew_around_another_statement_is_refused(signed: Office, change: dict[str, Any]) -> None:
    """The chain of the log is whole, the signature is not."""
    from pipeline_dsl.store.log import Log

    (entry,) = Log(signed.log).entries()
    signed.log.unlink()
    facts = {**entry.facts, "statement": {**entry.facts["statement"], **change}}
    with Log(signed.log).held() as log:
        log.append(entry.kind, facts, time=entry.time, by=entry.by)

    with pytest.raises(Fault) as refused:
        signed.decide()
    assert int(refused.value.exit) == 4


def test_it_counts_in_a_later_run_and_no_longer_once_more_is_seen(signed: Office, known: People, tmp_path_factory: Any) -> None:
    later = ran(tmp_path_factory.mktemp("later"), known, [prose(2), prose(3), QUOTATION])
    shutil.copy(signed.log, later.log)
    assert later.decide()[0] == "SHIP by override"

    more = ran(tmp_path_factory.mktemp("more"), known, [prose(2), QUOTATION, f"And {QUESTIONS[7]}"])
    shutil.copy(signed.log, more.log)
    outcome, said, _ = more.decide()
    assert outcome == "HOLD"
    assert "without them: 1.961" in said
    assert "suite/asked 7: 40 of 40 words" in said


def test_an_exemption_of_a_part_does_not_cover_the_whole(known: People, tmp_path_factory: Any) -> None:
    part = ran(tmp_path_factory.mktemp("part"), known, [prose(2), QUOTATION[:80]])
    assert part.exempt().returncode == 0
    assert part.decide()[0] == "SHIP by override"

    whole = ran(tmp_path_factory.mktemp("whole"), known, [prose(2), QUOTATION])
    shutil.copy(part.log, whole.log)
    assert whole.decide()[0] == "HOLD"
