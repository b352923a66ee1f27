"""A manifest is data: it comes back as it was written, and what is none is refused with a reason."""

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import BadFile, Usage
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.manifest import MAX_BYTES, Manifest, Recipe, Signed, StageEntry
from tests.runner.bench import Bench, faults

words = st.text(st.characters(codec="utf-8"), max_size=30)
numbers = st.floats(allow_nan=False, allow_infinity=False)
data: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
recipes = st.builds(
    Recipe,
    type=words,
    version=st.integers(),
    fields=st.dictionaries(words, data, max_size=3),
    inputs=st.dictionaries(words, data, max_size=2),
)
entries = st.builds(
    StageEntry,
    recipe=recipes,
    kind=words,
    definition=words,
    action=words,
    record=words,
    input_hash=st.dictionaries(words, data, max_size=2),
    output_hash=words,
    wall_clock_sec=numbers,
    cost_usd=st.none() | numbers,
    metrics=st.dictionaries(words, numbers, max_size=2),
    libraries=st.dictionaries(words, words, max_size=2),
    hardware=words,
    code=words,
)
whole = st.builds(
    Manifest,
    pipeline=words,
    pipeline_version=words,
    seed=st.integers(),
    git_commit=st.none() | words,
    plan=words,
    status=st.sampled_from(["running", "complete", "failed", "held", "interrupted"]),
    failed_stage=st.none() | words,
    reason=st.none() | words,
    stages=st.dictionaries(words, entries, max_size=2),
    pending=st.lists(words, max_size=2).map(tuple),
    gates=st.lists(words, max_size=2).map(tuple),
    cost_total_usd=st.none() | numbers,
    wall_clock_total_sec=numbers,
    author=st.none() | words,
    overrides=st.lists(
        st.builds(Signed, purpose=words, statement=st.dictionaries(words, data, max_size=2), signature=words, logged=words), max_size=2
    ).map(tuple),
)


@given(whole)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> None:
    file = tmp_path_factory.getbasetemp() / "manifest.yaml"
    manifests.write(manifest, file)
    assert manifests.read(file) == manifest


GOOD = """manifest_version: 1
pipeline: p
pipeline_version: 0.1.0
seed: 0
git_commit: null
plan: sha256:00
status: complete
stages: {}
cost_total_usd: 0.0
wall_clock_total_sec: 0.0
"""

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD: dict[str, tuple[str | bytes, str]] = {
    "an unknown key": (GOOD + "approved: true\n", "approved"),
    "a misspelt key": (GOOD.replace("seed:", "sead:"), "sead"),
    "a missing key": (GOOD.replace("plan: sha256:00\n", ""), "plan"),
    "an alias bomb": (LAUGHS + GOOD, "uses a YAML alias"),
    "one alias": (GOOD.replace("0.1.0", "&v 0.1.0").replace("git_commit: null", "git_commit: *v"), "uses a YAML alias"),
    "a merge key": (GOOD + "<<: {seed: 3}\n", "no manifest"),
    "17 MB": (GOOD + "# " + "x" * MAX_BYTES, "larger than"),
    "deep lists": (GOOD + "pending: " + "[" * 5000 + "]" * 5000, "nested deeper"),
    "deep mappings": (GOOD + "reason: " + "{a: " * 5000 + "}" * 5000, "nested deeper"),
    "deeper than the parser": (GOOD + "reason: " + "[" * 10**6, "no manifest|nested deeper"),
    "a python object": (GOOD + "reason: !!python/object/apply:os.system ['true']\n", "no manifest"),
    "a python name": (GOOD + "reason: !!python/name:os.system\n", "no manifest"),
    "a key said twice": (GOOD + "status: held\n", "'status' is there twice"),
    "a key said twice inside": (GOOD.replace("stages: {}", "stages: {a: {x: 1, x: 2}}"), "'x' is there twice"),
    "a key that is a number": (GOOD.replace("stages: {}", "stages: {1: {}}"), "the key 1 is not text"),
    "a key that is a list": (GOOD.replace("stages: {}", "stages: {[a]: {}}"), "not text"),
    "not UTF-8": (GOOD.encode() + b"reason: \xff\n", "not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "not UTF-8"),
    "a null byte": (GOOD.encode() + b"reason: a\0b\n", "no manifest"),
    "a date": (GOOD + "reason: 2020-01-01\n", "not JSON serializable"),
    "bytes": (GOOD + "reason: !!binary aGk=\n", "not JSON serializable"),
    "a set": (GOOD + "reason: !!set {a, b}\n", "not JSON serializable"),
    "infinity": (GOOD.replace("cost_total_usd: 0.0", "cost_total_usd: .inf"), "not JSON compliant"),
    "no number": (GOOD.replace("cost_total_usd: 0.0", "cost_total_usd: .nan"), "not JSON compliant"),
    "a number of 5000 digits": (GOOD.replace("seed: 0", "seed: " + "9" * 5000), "no manifest"),
    "text for a number": (GOOD.replace("seed: 0", "seed: '0'"), "seed"),
    "true for a number": (GOOD.replace("seed: 0", "seed: true"), "seed"),
    "another status": (GOOD.replace("complete", "shipped"), "status"),
    "a later format": (GOOD.replace("manifest_version: 1", "manifest_version: 2"), "format 2"),
    "nothing": ("", "not a mapping"),
    "a list": ("[]", "not a mapping"),
    "two documents": (GOOD + "---\n" + GOOD, "no manifest"),
    "no YAML": (GOOD + "}{", "no manifest"),
    "a tab": (GOOD + "\treason: a", "no manifest"),
}


def refused(file: Path, content: str | bytes) -> str:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadFile) as error:
        manifests.read(file)
    return error.value.message


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_manifest_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
    said = refused(tmp_path / "manifest.yaml", content)
    assert re.search(reason, said)
    assert len(said) < 2000


def test_the_example_that_the_bad_ones_are_made_from_is_good(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(GOOD)
    assert manifests.read(tmp_path / "manifest.yaml").pipeline == "p"


def test_a_manifest_without_end_is_refused() -> None:
    with pytest.raises(BadFile, match="larger than"):
        manifests.read(Path("/dev/zero"))


@pytest.mark.parametrize("path", ["nothing.yaml", "."])
def test_a_manifest_that_is_no_file_is_a_wrong_use(tmp_path: Path, path: str) -> None:
    with pytest.raises(Usage):
        manifests.read(tmp_path / path)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_content_makes_reading_fail_in_any_other_way(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    with pytest.raises(BadFile):
        manifests.read(file)


@given(data)
def test_no_value_of_a_field_makes_reading_fail_in_any_other_way(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "value.yaml"
    for key in attrs.fields_dict(Manifest):
        content = yaml.safe_load(GOOD) | {key: value}
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        try:
            manifests.read(file)
        except BadFile:
            continue


def test_the_command_prints_the_reason_and_no_traceback(tmp_path: Path) -> None:
    for name in ("an alias bomb", "a python object", "deep lists"):
        (tmp_path / "manifest.yaml").write_text(str(BAD[name][0]))
        ended = Bench(tmp_path).pdsl("gate", "manifest.yaml")
        assert (ended.returncode, faults(ended.stderr)) == (1, ["PDSL406"])
        assert "Traceback" not in ended.stderr
