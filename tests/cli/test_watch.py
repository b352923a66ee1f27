"""`pdsl check --watch`, as a real process that a person edits files under, and interrupts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.command import ROOT
from tests.compiler.snippets import PRELUDE

LIMIT = 60.0
"""Seconds to wait for what must come."""


@attrs.frozen
class Watching:
    """A check that goes on, and the file that it prints to."""

    process: "subprocess.Popen[bytes]"
    output: Path

    def says(self, text: str, times: int = 1) -> str:
        """All that was printed, once it holds `text` so often."""
        end = time.monotonic() + LIMIT
        while (said := self.output.read_text()).count(text) < times:
            assert self.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.05)
        return said

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(LIMIT)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """A watch over `watched.py`, which takes its stage from `watched_parts.py`."""
    (tmp_path / "watched_parts.py").write_text(f"{PRELUDE}web = Crawl(depth=1)\n")
    (tmp_path / "watched.py").write_text(
        "from pipeline_dsl import Pipeline\nfrom watched_parts import web\n\npipeline = Pipeline(name='p', targets=[web])\n"
    )
    output = tmp_path / "said"
    words = [sys.executable, "-m", "pipeline_dsl", "check", "--watch", "watched.py"]
    with output.open("wb") as stream:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(words, cwd=tmp_path, stdout=stream, stderr=stream, env=environment, start_new_session=True)
    yield Watching(process, output)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_change_of_the_file_is_checked_at_once(watching: Watching, tmp_path: Path) -> None:
    watching.says("1 stage: nothing to report")
    file = tmp_path / "watched.py"
    file.write_text(file.read_text().replace("'p'", "'P'"))

    assert "error[PDSL302]" in watching.says("1 error, 0 warnings")


def test_a_change_of_a_module_that_it_imported_is_checked_too(watching: Watching, tmp_path: Path) -> None:
    watching.says("nothing to report")
    (tmp_path / "watched_parts.py").write_text(f"{PRELUDE}web = Crawl(depth='1')\n")

    said = watching.says("1 error, 0 warnings")
    assert "watched_parts.py changed" in said
    assert "error[PDSL202]" in said


def test_a_module_that_cannot_be_imported_is_watched_until_it_can(watching: Watching, tmp_path: Path) -> None:
    watching.says("nothing to report")
    parts = tmp_path / "watched_parts.py"
    good = parts.read_text()
    parts.write_text("web = Crawl(\n")
    watching.says("error[PDSL101]")
    parts.write_text(good)

    watching.says("nothing to report", times=2)


def test_a_module_that_is_missing_is_waited_for(watching: Watching, tmp_path: Path) -> None:
    watching.says("nothing to report")
    parts = tmp_path / "watched_parts.py"
    good = parts.read_text()
    parts.unlink()
    watching.says("this module needs `watched_parts`, which is not installed")
    parts.write_text(good)

    watching.says("nothing to report", times=2)


def test_an_interrupt_ends_it_quietly(watching: Watching) -> None:
    watching.says("nothing to report")

    assert watching.interrupt() == 0
    assert "Traceback" not in watching.output.read_text()


def test_nothing_is_checked_again_while_nothing_changes(watching: Watching) -> None:
    watching.says("nothing to report")
    time.sleep(1.5)

    assert watching.output.read_text().count("checked 1 pipeline") == 1
