"""The decision log: each line follows from the one before, on the disk, whoever else writes and whenever a writer dies."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import LogBroken, StoreFull, Usage
from pipeline_dsl.store.log import Entry, Log
from tests.command import ROOT

WHEN = "2026-01-01T00:00:00Z"
words = st.text(st.characters(codec="utf-8"), max_size=20)


def logged(folder: Path, count: int = 5) -> Log:
    log = Log(folder / "store" / "decisions.jsonl")
    for index in range(count):
        put(log, {"artifact": f"sha256:{index}", "reason": f"entry {index}"})
    return log


def put(log: Log, facts: dict[str, Any]) -> Entry:
    with log.held() as held:
        return held.append("export", facts, time=WHEN, by="ada")


def broken(log: Log) -> LogBroken:
    with pytest.raises(LogBroken) as error:
        log.entries()
    assert error.value.exit == 4
    with pytest.raises(LogBroken):
        put(log, {})
    return error.value


def test_a_log_that_is_not_there_is_empty_and_stays_unwritten(tmp_path: Path) -> None:
    log = Log(tmp_path / "store" / "decisions.jsonl")
    assert log.entries() == ()
    assert not log.path.parent.exists()


def test_each_entry_names_the_one_before(tmp_path: Path) -> None:
    entries = logged(tmp_path, 3).entries()
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert [entry.before for entry in entries] == [None, entries[0].digest, entries[1].digest]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(words, st.none() | words | st.integers(-(2**60), 2**60) | st.lists(words, max_size=2), max_size=3), max_size=4)
)
def test_what_is_logged_is_read_back(tmp_path: Path, facts: list[dict[str, Any]]) -> None:
    log = Log(tmp_path / f"{time.monotonic_ns()}.jsonl")
    written = [put(log, found) for found in facts]
    assert list(log.entries()) == written
    assert [dict(entry.facts) for entry in written] == facts


# What an editor can do to a file.


def test_a_changed_byte_is_found_in_its_line_wherever_it_is(tmp_path: Path) -> None:
    log = logged(tmp_path, 4)
    data = log.path.read_bytes()
    for place in range(len(data)):
        for bit in (1, 0x20, 0x80):
            log.path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
            found, fault = log.sound()
            line = data[:place].count(b"\n") + 1
            assert fault is not None, (place, bit)
            assert fault.line in (line, line + 1), (place, bit)  # a new line's end is part of both
            assert len(found) == fault.line - 1
    log.path.write_bytes(data)
    assert len(log.entries()) == 4


@pytest.mark.parametrize("line", range(4))
def test_a_line_that_is_dropped_is_found_unless_it_was_the_last(tmp_path: Path, line: int) -> None:
    log = logged(tmp_path, 5)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert f"broken at line {line + 1}" in broken(log).message


@pytest.mark.parametrize("line", range(4))
def test_lines_that_changed_places_are_found(tmp_path: Path, line: int) -> None:
    log = logged(tmp_path, 5)
    lines = log.path.read_bytes().splitlines(keepends=True)
    lines[line], lines[line + 1] = lines[line + 1], lines[line]
    log.path.write_bytes(b"".join(lines))
    assert f"broken at line {line + 1}" in broken(log).message


@pytest.mark.parametrize("line", range(5))
def test_a_line_that_is_there_twice_is_found(tmp_path: Path, line: int) -> None:
    log = logged(tmp_path, 5)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join([*lines[: line + 1], *lines[line:]]))
    assert f"broken at line {line + 2}" in broken(log).message


@pytest.mark.parametrize("line", range(5))
def test_a_line_that_was_edited_with_its_own_digest_computed_again_breaks_the_chain_behind_it(tmp_path: Path, line: int) -> None:
    log = logged(tmp_path, 5)
    lines = log.path.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[line])["entry"]
    entry["facts"]["reason"] = "nothing to see here"
    edited = Entry(**entry)
    lines[line] = spell({"digest": edited.digest, "entry": unstructure(edited)}) + b"\n"
    log.path.write_bytes(b"".join(lines))
    if line < 4:
        assert f"broken at line {line + 2}" in broken(log).message
    else:
        assert log.entries()[-1].digest == edited.digest  # which only its head, noted elsewhere, shows


def test_a_last_line_that_is_cut_short_anywhere_is_found_and_can_be_cut_off(tmp_path: Path) -> None:
    log = logged(tmp_path, 3)
    data = log.path.read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(last + 1, len(data)):
        log.path.write_bytes(data[:end])
        fault = broken(log)
        assert "broken at line 3: it is cut short" in fault.message
        assert "--repair" in fault.help
    assert log.repair(time=WHEN, by="ada") == len(data) - 1 - last
    assert [entry.kind for entry in log.entries()] == ["export", "export", "repair"]
    assert log.repair(time=WHEN, by="ada") == 0
    assert put(log, {}).number == 4


def test_a_log_that_was_edited_is_not_repaired(tmp_path: Path) -> None:
    log = logged(tmp_path, 3)
    log.path.write_bytes(log.path.read_bytes().replace(b"entry 1", b"entry 7") + b"{")
    before = log.path.read_bytes()
    with pytest.raises(LogBroken, match="line 2"):
        log.repair(time=WHEN, by="ada")
    assert log.path.read_bytes() == before


HOSTILE = {
    "no JSON": b"hello\n",
    "an empty line": b"\n",
    "a list": b"[]\n",
    "a number": b"1\n",
    "no entry": b'{"digest":"sha256:00"}\n',
    "a deep line": b"[" * 100_000 + b"\n",
    "an unknown key": b'{"digest":"x","entry":{"before":null,"by":"a","facts":{},"kind":"k","number":1,"time":"t","more":1}}\n',
    "text for a number": b'{"digest":"x","entry":{"before":null,"by":"a","facts":{},"kind":"k","number":"1","time":"t"}}\n',
    "not UTF-8": b"\xff\xfe\n",
    "a lone surrogate": b'{"digest":"x","entry":{"before":null,"by":"\\ud800","facts":{},"kind":"k","number":1,"time":"t"}}\n',
    "no number": b'{"digest":"x","entry":{"before":null,"by":"a","facts":{"x":NaN},"kind":"k","number":1,"time":"t"}}\n',
    "a key said twice": b'{"digest":"x","digest":"x","entry":{"before":null,"by":"a","facts":{},"kind":"k","number":1,"time":"t"}}\n',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_entry_is_refused_in_its_line(tmp_path: Path, what: str) -> None:
    log = logged(tmp_path, 2)
    with log.path.open("ab") as stream:
        stream.write(HOSTILE[what])
    assert "broken at line 3" in broken(log).message


# Who writes, and when they die.

WRITER = """
import sys
from pathlib import Path
from pipeline_dsl.store.log import Log
log = Log(Path(sys.argv[1]))
print("ready", flush=True)
for index in range(int(sys.argv[3])):
    with log.held() as held:
        held.append("export", {"writer": sys.argv[2], "index": index, "fill": "x" * 3000}, time="2026-01-01T00:00:00Z", by=sys.argv[2])
"""


def writer(log: Log, name: str, count: int) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", WRITER, str(log.path), name, str(count)]
    return subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def test_writers_at_the_same_time_lose_nothing_and_make_one_chain(tmp_path: Path) -> None:
    log = Log(tmp_path / "decisions.jsonl")
    writers = [writer(log, f"w{number}", 20) for number in range(4)]
    for found in writers:
        found.communicate(timeout=120)
    assert [found.returncode for found in writers] == [0] * 4
    entries = log.entries()
    assert len(entries) == 80
    for number in range(4):
        assert [entry.facts["index"] for entry in entries if entry.by == f"w{number}"] == list(range(20))


def test_a_writer_that_is_killed_at_any_moment_leaves_whole_lines(tmp_path: Path) -> None:
    chance = random.Random(5)
    log = Log(tmp_path / "decisions.jsonl")
    reached = 0
    for _ in range(6):
        with writer(log, "w", 10_000) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.15))
            child.send_signal(signal.SIGKILL)
        log.repair(time=WHEN, by="ada")
        entries = log.entries()
        assert len(entries) >= reached
        reached = len(entries)
    assert reached > 0
    assert put(log, {}).number == reached + 1


def test_a_disk_that_fills_up_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = logged(tmp_path, 2)
    before = log.path.read_bytes()
    size = len(before) + 100
    limited = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""
    words = [sys.executable, "-c", limited + WRITER, str(log.path), "w", "1"]
    ended = subprocess.run(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert StoreFull.__name__ in ended.stderr
    assert log.path.read_bytes() == before
    assert put(log, {}).number == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_log_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    log = logged(tmp_path, 1)
    log.path.chmod(0o444)
    with pytest.raises(Usage, match="cannot be written"):
        put(log, {})


def test_a_log_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path)
    with pytest.raises(LogBroken, match="cannot be read"):
        log.entries()
    with pytest.raises(Usage, match="cannot be written"):
        put(log, {})
