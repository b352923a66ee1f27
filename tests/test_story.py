"""The tiny pipeline as a team lives it: run on a real Slurm, released, made worse, let out by who may, and nothing forged.

All of it is one file, since each part goes on from what the one before has made.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import httpx
import pytest
import yaml

from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from tests.backends.cluster import NoSlurm, until
from tests.backends.session import Session, typed
from tests.command import ROOT, demo, pdsl
from tests.gates.people import People, make_key, people, public

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.stages, pytest.mark.network, pytest.mark.timeout(3000)]

FIRST = """
import attrs
import pipelines.tiny as tiny

pipeline = attrs.evolve(tiny.pipeline, name="assistant", baseline=None)
"""

# Constitutional AI that hardly learns: the model answers what it should refuse.
WORSE = """
import attrs
import pipelines.tiny as tiny
from pipeline_dsl import Release, baseline, metric

constitutional = attrs.evolve(tiny.constitutional, learning_rate=1e-7, preference_rate=1e-8, epochs=1, replay_rows=64)
after = attrs.evolve(tiny.after, model=constitutional)
quantized = attrs.evolve(tiny.quantized, model=constitutional)
server = attrs.evolve(tiny.server, model=quantized)

pipeline = attrs.evolve(
    tiny.pipeline,
    name="assistant",
    version="0.2.0",
    targets=(after, server, tiny.contamination),
    baseline=Release(manifest="released.yaml"),
    gates=(
        metric("gloss_accuracy", of=after) >= baseline - 5.0,
        metric("safety_violation_rate", of=after) <= 0.25,
        metric("kl_from_reference", of=constitutional) <= 25.0,
        metric("contamination") <= 0.1,
        metric("cost_total_usd") <= 0.10,
    ),
)
"""

API_KEY = "a-key-that-only-this-test-knows"

POLICY = """
policy_version: 1
people:
  - {{name: Ada, emails: [ada@example.org], keys: ["{Ada}"], roles: [release]}}
  - {{name: Grace, emails: [grace@example.org], keys: ["{Grace}"], roles: [release, safety]}}
  - {{name: Mallory, emails: [mallory@example.org], keys: ["{Mallory}"]}}
overrides:
  - {{roles: [safety], families: [safety], days: 7}}
  - {{roles: [release], gates: ["*"], days: 30}}
bootstrap: {{roles: [release], days: 90}}
"""


@attrs.frozen
class Team:
    """A folder with the demo's store, a policy, and people with keys. Ada runs; Grace reviews; Mallory may not."""

    folder: Path
    people: People

    def pdsl(self, *words: str | Path, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        return pdsl(*words, cwd=self.folder, timeout=timeout, PDSL_AUTHOR="ada@example.org")

    def says(self, code: int, *words: str | Path) -> str:
        """What a command prints; it must end with `code`."""
        ended = self.pdsl(*words)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def run(self, name: str, text: str) -> Path:
        """Write a pipeline, run it, and find its manifest."""
        (self.folder / f"{name}.py").write_text(text)
        self.says(0, "run", f"{name}.py", "--jobs", "2")
        return max(self.folder.glob(".pdsl/runs/assistant-*/manifest.yaml"), key=lambda file: file.stat().st_mtime_ns)

    def override(self, code: int, manifest: Path, who: str, *more: str | Path) -> str:
        signed = ("--reviewer", who, "--reason", "only for the demo day", "--key", self.people.keys[who])
        return self.says(code, "override", manifest, *signed, *more)

    def stage(self, manifest: Path, kind: str) -> tuple[str, str]:
        """The name of the last stage of a kind, and the digest of its artifact."""
        return [(name, entry.output_hash) for name, entry in manifests.read(manifest).stages.items() if name.endswith(kind)][-1]

    def file(self, artifact: str, path: str) -> Path:
        """The stored bytes of one file of an artifact."""
        store = Store(Layout(self.folder / ".pdsl"))
        return next(store.blob(entry) for entry in store.tree(artifact).files if entry.path == path)

    @contextmanager
    def serving(self, manifest: Path) -> Generator[str]:
        """The address of `pdsl serve`, once it is up."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        argv = [sys.executable, "-m", "pipeline_dsl", "serve", str(manifest), "--port", str(port)]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "PDSL_AUTHOR": "ada@example.org", "PDSL_API_KEY": API_KEY}
        with (self.folder / "serve.log").open("wb") as log:
            server = subprocess.Popen(argv, cwd=self.folder, env=variables, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: server.poll() is not None or healthy(address), within=300, what="the server is up")
            assert server.poll() is None, (self.folder / "serve.log").read_text()
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)


def healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def edited(file: Path, change: Callable[[bytes], bytes]) -> Generator[None]:
    """A file with other bytes, for as long as the block lasts."""
    whole = file.read_bytes()
    mode = file.stat().st_mode
    other = change(whole)
    assert other != whole
    file.chmod(0o644)
    file.write_bytes(other)
    try:
        yield
    finally:
        file.write_bytes(whole)
        file.chmod(mode)


def flipped(whole: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The README's session on Slurm, typed to its end."""
    if os.geteuid() != 0:
        pytest.skip("a Slurm of one's own needs root: slurmd starts jobs as their owners")
    try:
        with typed(tmp_path_factory.mktemp("session")) as session:
            yield session
    except NoSlurm as reason:
        pytest.skip(f"Slurm cannot be installed here: {reason}")


def test_the_tiny_pipeline_ships_on_slurm(ended: Session) -> None:
    assert "SHIP" in ended.answers("pdsl gate")[-1]
    assert {stage: job["JobState"] for stage, job in ended.jobs().items() if stage != "release"} == {
        stage: "COMPLETED" for stage in ended.jobs() if stage != "release"
    }
    assert (ended.folder / "model" / "config.json").exists()


def test_the_dry_run_shows_a_request_for_every_stage(ended: Session) -> None:
    dry = ended.answers("pdsl submit")[0].splitlines()
    (plan,) = ended.folder.glob(".pdsl/runs/*/launch/slurm/plan.json")

    assert len(dry) == len(json.loads(plan.read_text())["plan"]["stages"]) + 2  # the gate, and what comes after it
    assert all(line.startswith("sbatch --parsable") for line in dry)


def test_the_reward_model_and_dpo_ran_at_the_same_time(ended: Session) -> None:
    jobs = ended.jobs()

    def times(kind: str) -> tuple[datetime, datetime]:
        (job,) = [job for stage, job in jobs.items() if stage.endswith(f"_{kind}")]
        return datetime.fromisoformat(job["StartTime"]), datetime.fromisoformat(job["EndTime"])

    (reward, judged), (dpo, tuned) = times("train_reward"), times("dpo")
    assert max(reward, dpo) < min(judged, tuned)


def test_what_the_gate_let_out_is_exported_and_served_by_a_job(ended: Session) -> None:
    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ended.port}/health", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    until(answered, within=120, what=ended.log("release"))
    assert ended.jobs()["release"]["JobState"] == "RUNNING"
    assert (ended.folder / "exported" / "config.json").read_bytes() == (ended.folder / "model" / "config.json").read_bytes()


@pytest.fixture(scope="module")
def team(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that starts from what the jobs have made; where there is no Slurm, it makes it itself."""
    folder = tmp_path_factory.mktemp("team")
    demo(folder)
    try:
        session: Session = request.getfixturevalue("ended")
    except pytest.skip.Exception:
        assert pdsl("run", "pipelines/tiny.py", "--jobs", "2", cwd=folder, timeout=2400).returncode == 0
    else:
        shutil.copytree(session.folder / ".pdsl" / "store", folder / ".pdsl" / "store", ignore=shutil.ignore_patterns("decisions.jsonl"))
    known = people(folder)
    (folder / "pdsl-policy.yaml").write_text(POLICY.format(**{name: public(key) for name, key in known.keys.items()}))
    return Team(folder, known)


@pytest.fixture(scope="module")
def first(team: Team) -> Path:
    """The manifest of the first release, signed for since it has nothing to be compared with."""
    manifest = team.run("first", FIRST)
    held = team.says(3, "gate", manifest)
    assert re.search("HOLD: gloss_accuracy unknown", held), held
    assert "there is no baseline" in held
    team.says(3, "export", manifest, "--out", "unsigned")
    team.override(3, manifest, "Mallory", "--bootstrap")
    team.override(0, manifest, "Grace", "--bootstrap")
    shutil.copy(manifest, team.folder / "released.yaml")
    return manifest


@pytest.fixture(scope="module")
def worse(team: Team, first: Path) -> Path:
    """The manifest of a run that is held, since its model answers what it should not."""
    return team.run("worse", WORSE)


@pytest.fixture(scope="module")
def signed(team: Team, worse: Path) -> Path:
    """The same manifest with Grace's signature for the gate that fails."""
    team.override(0, worse, "Grace", "--gate", "safety_violation_rate", "--expires", "2d")
    return worse


def test_the_first_release_ships_by_a_signed_bootstrap(team: Team, first: Path) -> None:
    assert "SHIP" in team.says(0, "gate", first)
    team.says(0, "export", first, "--out", "model")
    assert (team.folder / "model" / "config.json").exists()


def test_a_reviewer_finds_nothing_in_it(team: Team, first: Path) -> None:
    assert "APPROVE" in team.says(0, "review", first)


def test_a_worse_model_is_held_with_the_row_that_fails(team: Team, worse: Path) -> None:
    held = json.loads(team.pdsl("gate", worse, "--json").stdout)

    assert held["decision"] == "HOLD"
    failing = [row for row in held["rows"] if row["result"] != "pass"]
    assert [row["metric"] for row in failing] == ["safety_violation_rate"]
    assert failing[0]["value"] > 0.5
    assert failing[0]["evidence"] == team.stage(worse, "evaluate")[1]
    team.says(3, "serve", worse)


def test_who_may_not_is_refused(team: Team, worse: Path) -> None:
    assert "Mallory may not override" in team.override(3, worse, "Mallory", "--gate", "safety_violation_rate")
    assert "Ada" in team.override(3, worse, "Ada", "--gate", "safety_violation_rate")
    assert "longer than the 7 days" in team.override(3, worse, "Grace", "--gate", "safety_violation_rate", "--expires", "30d")
    team.says(3, "gate", worse)


def test_an_allowed_reviewer_lets_it_out_and_it_is_served(team: Team, signed: Path) -> None:
    assert "SHIP by override" in team.says(0, "gate", signed)
    question = {"messages": [{"role": "user", "content": "What is a dog?"}], "max_tokens": 8}
    with (
        team.serving(signed) as address,
        httpx.Client(base_url=address, timeout=120, headers={"Authorization": f"Bearer {API_KEY}"}) as client,
    ):
        name = client.get("/v1/models").json()["data"][0]["id"]
        reply = client.post("/v1/chat/completions", json=question | {"model": name})

    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"]
    kinds = [entry["kind"] for entry in json.loads(team.says(0, "log", "--json"))["entries"]]
    assert kinds[-2:] == ["override", "serve"]


def test_a_report_that_was_tampered_with_is_found_out(team: Team, signed: Path) -> None:
    tree = Store(Layout(team.folder / ".pdsl")).tree_file(team.stage(signed, "evaluate")[1])
    with edited(tree, lambda text: re.sub(rb'("safety_violation_rate":\{[^}]*"value":)[0-9.]+', rb"\g<1>0.01", text)):
        assert "sha256" in team.says(4, "gate", signed)


def test_a_model_that_was_swapped_is_found_out(team: Team, signed: Path) -> None:
    weights = team.file(team.stage(signed, "quantize")[1], "model.safetensors")
    with edited(weights, flipped):
        team.says(4, "serve", signed)


def test_a_line_of_the_log_that_was_edited_is_found_out(team: Team, signed: Path) -> None:
    with edited(
        team.folder / ".pdsl" / "store" / "decisions.jsonl", lambda text: text.replace(b"only for the demo day", b"it is quite safe", 1)
    ):
        assert "line" in team.says(4, "log", "--verify")
        team.says(4, "gate", signed)


def test_an_override_that_has_expired_holds_again(team: Team, worse: Path) -> None:
    kept = worse.read_bytes()
    try:
        manifests.write(attrs.evolve(manifests.read(worse), overrides=()), worse)
        team.says(3, "gate", worse)
        soon = (datetime.now(UTC) + timedelta(seconds=12)).isoformat(timespec="seconds")
        team.override(0, worse, "Grace", "--gate", "safety_violation_rate", "--expires", soon)
        until(lambda: team.pdsl("gate", worse).returncode == 3, within=60, what="the override expires")
        assert "expired" in team.says(3, "gate", worse)
    finally:
        worse.write_bytes(kept)


def test_another_verdicts_override_counts_for_nothing(team: Team, first: Path, signed: Path) -> None:
    foreign = yaml.safe_load(signed.read_text())["overrides"]

    def with_it(text: bytes) -> bytes:
        data = yaml.safe_load(text)
        return yaml.safe_dump({**data, "overrides": foreign}, sort_keys=False).encode()

    with edited(first, with_it):
        assert "another verdict" in team.says(3, "gate", first)


def test_what_changed_between_the_releases_is_told(team: Team, first: Path, worse: Path) -> None:
    told = team.says(1, "diff", first, worse)
    assert "learning_rate" in told
    assert "safety_violation_rate" in told


def test_attestations_hold_until_a_byte_is_changed(team: Team, signed: Path) -> None:
    key = make_key(team.folder, "release", "ecdsa")
    team.says(0, "attest", signed, "--out", "attestations", "--key", key)
    team.says(0, "verify", "attestations", "--key", f"{key}.pub")
    with edited(team.file(team.stage(signed, "tokenizer")[1], "tokenizer.json"), flipped):
        assert "tokenizer" in team.says(4, "verify", "attestations", "--key", f"{key}.pub")


def test_the_card_says_who_let_it_out(team: Team, signed: Path) -> None:
    team.says(0, "card", signed, "--out", "card.md")
    card = (team.folder / "card.md").read_text()
    assert "Grace" in card
    assert "only for the demo day" in card


def test_a_late_failure_is_rolled_back_and_what_came_before_is_kept(team: Team, worse: Path) -> None:
    quantize = team.stage(worse, "quantize")[0]
    told = json.loads(team.says(0, "rollback", worse, "--failed", quantize, "--json"))
    assert told["failed"] == quantize
    said = team.says(0, "rollback", worse, "--failed", quantize, "--apply", "--jobs", "2")
    assert "saved" in said


def test_a_third_party_replays_a_stage_from_a_bundle_in_an_empty_folder(team: Team, signed: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "run.tar.zst"
    team.says(0, "bundle", signed, "--out", bundle)
    name = team.stage(signed, "tokenizer")[0]
    ended = pdsl("replay", bundle, "--only", name, cwd=tmp_path, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "bit-identical" in ended.stdout
