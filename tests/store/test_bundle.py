"""A run in one file: what comes out is what went in."""

import gzip
import shutil
from pathlib import Path

import attrs
import pytest

from pipeline_dsl.base.fault import DigestMismatch, MissingArtifact, Usage
from pipeline_dsl.runner.original import original
from pipeline_dsl.store import archive
from pipeline_dsl.store.bundle import Bundle
from pipeline_dsl.store.log import Log
from tests.runner.bench import Bench
from tests.store.packed import Packed, content, items, pack, unpack


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_what_is_unpacked_is_what_was_packed(packed: Packed, tmp_path: Path, suffix: str) -> None:
    index = pack(packed.content, tmp_path / f"run{suffix}")
    found = unpack(tmp_path / f"run{suffix}", tmp_path / "out")
    assert found.index == index
    assert found.manifest.read_bytes() == packed.content.written
    assert original(found.manifest, found.store).records == packed.content.records
    assert list(found.store.damage()) == []
    for record in packed.content.records.values():
        assert found.store.verify(record.output) == packed.bench.store.verify(record.output)


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_the_same_run_gives_the_same_bytes(packed: Packed, tmp_path: Path, suffix: str) -> None:
    for name in ("one", "other"):
        pack(content(packed.bench), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"other{suffix}").read_bytes()


def test_the_plan_that_is_packed_is_the_same_plan_without_the_machine_that_compiled_it(packed: Packed, tmp_path: Path) -> None:
    run = attrs.evolve(packed.content, plan=attrs.evolve(packed.content.plan, launchers={"slurm": {"settings": {"TOKEN": "geheim"}}}))
    pack(run, tmp_path / "run.tar.gz")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    plan = found.store.plan(packed.content.plan.digest)
    assert (plan.root, plan.launchers) == ("", {})
    assert plan.stages == packed.content.plan.stages
    assert b"geheim" not in gzip.decompress((tmp_path / "run.tar.gz").read_bytes())


def test_the_decision_log_goes_with_the_run_whole(packed: Packed, tmp_path: Path) -> None:
    log = Log(tmp_path / "decisions.jsonl")
    with log.held() as held:
        for number in range(3):
            held.append("export", {"number": number}, time="2026-01-01T00:00:00Z", by="ada")
    pack(attrs.evolve(packed.content, log=log.path.read_bytes()), tmp_path / "run.tar.gz")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    assert Log(found.store.layout.decisions).entries() == log.entries()


def test_only_inputs_leaves_out_what_was_made_of_them(packed: Packed, tmp_path: Path) -> None:
    pack(packed.content, tmp_path / "run.tar.gz", "inputs")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    root, join = (packed.content.records[name].output for name in ("01_step", "04_step"))
    assert found.store.verify(root)
    with pytest.raises(MissingArtifact):
        found.store.verify(join)
    assert found.store.tree(join) == packed.bench.store.tree(join)


def test_without_artifacts_there_are_none_of_their_files(packed: Packed, tmp_path: Path) -> None:
    index = pack(packed.content, tmp_path / "run.tar.gz", "none")
    assert not any(entry.path.startswith("blobs/") for entry in index.files)
    assert original(unpack(tmp_path / "run.tar.gz", tmp_path / "out").manifest, Bundle(index=index, folder=tmp_path / "out").store).records


def test_a_bundle_can_be_verified_without_keeping_the_artifacts(packed: Packed, tmp_path: Path) -> None:
    assert not (unpack(packed.file, tmp_path / "out", artifacts=False).store.layout.store / "blobs").exists()


def test_the_project_s_own_modules_are_in_it_and_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "own" / "__init__.py").write_text("")
    (tmp_path / "own" / "deep" / "parts.py").write_text(
        "from pipeline_dsl import *\nimport json, own.words\nfrom .. import more\nfrom ..deep import other as o\n"
        "class One(Stage[Corpus]):\n"
        "    def run(self, work):\n        from own.late import LATE\n        (work.output / 'a.jsonl').write_text(LATE)\n"
        "        return Corpus(documents=1, characters=1)\n"
    )
    for name in ("words", "more", "late", "unused"):
        (tmp_path / "own" / f"{name}.py").write_text("LATE = 'late'\n")
    (tmp_path / "own" / "deep" / "other.py").write_text("")
    bench = Bench(tmp_path)
    plan = bench.plan("from own.deep.parts import One\npipeline = Pipeline(name='p', targets=[One()])\n")
    assert bench.run(plan).fault is None
    names = set(content(bench).sources.files) - {"tests/runner/stages.py", f"{plan.module}.py"}
    assert names == {"own/__init__.py", *(f"own/{name}.py" for name in ("words", "more", "late")), "own/deep/parts.py", "own/deep/other.py"}
    assert f"{plan.module}.py" in content(bench).sources.files


def test_a_stage_type_whose_module_is_gone_is_said_to_be_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan("class Mine(Step):\n    pass\npipeline = Pipeline(name='p', targets=[Mine(label='x')])\n")
    assert bench.run(plan).fault is None
    (tmp_path / f"{plan.module}.py").unlink()
    with pytest.raises(Usage, match="nowhere to be found"):
        content(bench)


def test_an_artifact_that_was_changed_in_the_store_is_not_packed_and_nothing_is_left(packed: Packed, tmp_path: Path) -> None:
    shutil.copytree(packed.bench.folder / ".pdsl", tmp_path / ".pdsl")
    bench = Bench(tmp_path)
    blob = next(path for path in bench.store.files("blobs") if path.stat().st_size)
    blob.chmod(0o644)
    blob.write_bytes(bytes(blob.stat().st_size))
    with pytest.raises(DigestMismatch):
        pack(attrs.evolve(packed.content, store=bench.store), tmp_path / "run.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == [".pdsl"]


def test_the_tar_that_tar_itself_reads_has_the_source_to_be_looked_at(packed: Packed) -> None:
    found = {info.name: data for info, data in items(packed.file)}
    assert any(name.startswith("source/") and b"class Step" in data for name, data in found.items())
