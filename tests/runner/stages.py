"""Stages that need nothing but time, in pipelines that a test can kill, damage and judge."""

import ctypes
import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline_dsl import Artifact, Corpus, EvalReport, Ref, Score, Sizes, Stage, Work, Workspace
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import STAGE_KL
from pipeline_dsl.lang.gate import Metric

NOTES = "PDSL_TEST_NOTES"
"""The environment variable that names the side file: what a stage does is noted there, where no store can hide it."""


def note(text: str) -> None:
    """Append a line to the side file, in one write."""
    if NOTES in os.environ:
        with Path(os.environ[NOTES]).open("ab", buffering=0) as stream:
            stream.write(f"{text} {time.monotonic_ns()}\n".encode())


class Step(Stage[Corpus]):
    """Works for a while in small steps, keeps a checkpoint of each, and writes several files made of its inputs' bytes."""

    label: str
    reads: tuple[Ref[Corpus], ...] = ()
    steps: int = 5
    seconds: float = 0.0
    same: bool = False
    """Whether its artifact is the same whatever its label is."""

    def run(self, work: Workspace) -> Corpus:
        note(f"start {self.label}")
        checkpoint = work.scratch / "checkpoint.json"
        done: list[int] = json.loads(checkpoint.read_text()) if checkpoint.exists() else []
        if done:
            note(f"resume {self.label}")
        for step in range(len(done), self.steps):
            time.sleep(self.seconds / self.steps)
            done.append(step * step + work.seed)
            (work.scratch / "draft").write_text(json.dumps(done))
            (work.scratch / "draft").replace(checkpoint)
            work.progress(step + 1, self.steps, loss=1.0 / (step + 1))
        read = b"".join(file.read_bytes() for ref in self.reads for file in sorted(work.path(ref).rglob("*.jsonl")))
        name = "" if self.same else self.label
        (work.output / "deep" / "er").mkdir(parents=True)
        (work.output / "a.jsonl").write_bytes(json.dumps([name, done]).encode() + b"\n" + read)
        (work.output / "deep" / "er" / "empty.jsonl").touch()
        (work.output / "deep" / f"{name or 'same'}.jsonl").write_bytes(os.fsencode(name) * 500)
        note(f"end {self.label}")
        return Corpus(documents=len(done), characters=len(read))


class Careless(Stage[Corpus]):
    """Ends in the way that `how` names."""

    how: str
    data: Ref[Corpus] | None = None
    before: int = 0
    """How often it fails before it succeeds, counted in a file outside; 0 is always."""

    def run(self, work: Workspace) -> Corpus:
        note(f"start {self.how}")
        (work.output / "a.jsonl").write_text("{}\n")
        tries = work.scratch / "tries"
        count = int(tries.read_text()) if tries.exists() else 0
        tries.write_text(str(count + 1))
        if not self.before or count < self.before:
            made = getattr(self, self.how.replace(" ", "_"))(work)
            if made is not None:
                return made
        return Corpus(documents=1, characters=2)

    def raises(self, work: Workspace) -> None:
        raise ZeroDivisionError("nothing to divide by\nand a second line: error[PDSL401]: not this one")

    def raises_while_spoofing(self, work: Workspace) -> None:
        print("error[PDSL401]: this is only text", flush=True)
        raise ValueError("the real reason")

    def raises_what_means_hold(self, work: Workspace) -> None:
        from pipeline_dsl.base.fault import Held

        raise Held("a stage cannot hold a run")

    def exits_0(self, work: Workspace) -> None:
        sys.exit(0)

    def exits_3(self, work: Workspace) -> None:
        sys.exit(3)

    def vanishes_with_0(self, work: Workspace) -> None:
        os._exit(0)

    def vanishes_with_3(self, work: Workspace) -> None:
        os._exit(3)

    def segfaults(self, work: Workspace) -> None:
        faulthandler.disable()  # pytest's, which would print where
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(5)

    def dies_of_signal_40(self, work: Workspace) -> None:
        os.kill(os.getpid(), 40)
        time.sleep(5)

    def recurses(self, work: Workspace) -> None:
        self.recurses(work)

    def prints(self, work: Workspace) -> None:
        for _ in range(300):
            os.write(1, b"0123456789" * 1000 + b"\n")
        os.write(1, b"not UTF-8: \xff\xfe\n")

    def prints_and_raises(self, work: Workspace) -> None:
        self.prints(work)
        raise ValueError("after 3 MB")

    def forks(self, work: Workspace) -> None:
        if not os.fork():
            time.sleep(60)
            os._exit(0)

    def starts_a_daemon(self, work: Workspace) -> None:
        subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; sleep 60; sleep 60"], start_new_session=True)

    def starts_a_daemon_and_sleeps(self, work: Workspace) -> None:
        self.starts_a_daemon(work)
        note("asleep")
        time.sleep(60)

    def computes_in_c(self, work: Workspace) -> None:
        note("asleep")
        ctypes.CDLL(None).sleep(3)  # returns early on a signal, as any system call; its handler runs then
        time.sleep(60)

    def returns_nothing(self, work: Workspace) -> Any:
        return False

    def returns_another_artifact(self, work: Workspace) -> Any:
        return EvalReport(model="m", suite="s", results={})

    def returns_text_for_a_number(self, work: Workspace) -> Any:
        return Corpus(documents="many", characters=2)  # pyright: ignore[reportArgumentType]

    def returns_a_path(self, work: Workspace) -> Any:
        return Corpus(documents=1, characters=2, licences=(work.output,))  # pyright: ignore[reportArgumentType]

    def leaves_nothing(self, work: Workspace) -> None:
        (work.output / "a.jsonl").unlink()

    def writes_elsewhere(self, work: Workspace) -> None:
        (work.output / "a.jsonl").rename(work.scratch / "a.jsonl")

    def removes_its_output(self, work: Workspace) -> None:
        (work.output / "a.jsonl").unlink()
        work.output.rmdir()

    def moves_its_output(self, work: Workspace) -> None:
        """Its folder becomes a link to another, whose files are somebody else's."""
        other = Path(os.environ["PDSL_TEST_OTHER"])
        (work.output / "a.jsonl").unlink()
        work.output.rmdir()
        work.output.symlink_to(other)

    def leaves_a_link(self, work: Workspace) -> None:
        (work.output / "passwd").symlink_to("/etc/passwd")

    def leaves_a_link_to_a_folder(self, work: Workspace) -> None:
        (work.output / "etc").symlink_to("/etc")

    def leaves_a_pipe(self, work: Workspace) -> None:
        os.mkfifo(work.output / "b.jsonl")

    def leaves_a_second_name(self, work: Workspace) -> None:
        other = Path(os.environ["PDSL_TEST_OTHER"])
        (work.output / "a.jsonl").unlink()
        os.link(other / "mine.jsonl", work.output / "a.jsonl")

    def names_a_file_badly(self, work: Workspace) -> None:
        (work.output / "a\\b.jsonl").touch()

    def names_a_file_in_no_encoding(self, work: Workspace) -> None:
        Path(os.fsdecode(os.fsencode(work.output) + b"/\xff.jsonl")).touch()

    def writes_to_its_input(self, work: Workspace) -> None:
        assert self.data is not None
        file = work.path(self.data) / "a.jsonl"
        file.resolve().chmod(0o644)
        with file.open("ab") as stream:
            stream.write(b"x")

    def changes_folder(self, work: Workspace) -> None:
        os.chdir("/")
        (work.output / "b.jsonl").write_text("{}")
        work.progress(1, 1)

    def fills_the_disk(self, work: Workspace) -> None:
        with (work.output / "b.jsonl").open("wb") as stream:
            for _ in range(16):
                stream.write(bytes(2**20))

    def breaks_its_progress(self, work: Workspace) -> None:
        for text in ('{"step": 1, "to', "[]", '{"step": "x"}', '{"step": 1, "total": 0, "figures": {"a": "b"}, "time": 0}', "null"):
            (work.output.parent / "progress.json").write_text(text)
            time.sleep(0.6)


class Judged(Artifact):
    """An artifact with whatever scores it is told to have."""

    files = ("*.txt",)

    values: Mapping[str, float]
    odd: bool = False

    @property
    def scores(self) -> Mapping[str, Score]:
        if self.odd:
            return dict(self.values)  # pyright: ignore[reportReturnType]
        return {name: Score(value=value) for name, value in self.values.items()}


class Odd(Stage[Judged]):
    """Makes scores that are no finite numbers."""

    value: str
    odd: bool = False

    def run(self, work: Workspace) -> Judged:
        (work.output / "a.txt").touch()
        return Judged(values={"x": float(self.value)}, odd=self.odd)


class Exam(Stage[EvalReport]):
    """An evaluation whose results are declared."""

    model: Ref[Corpus]
    mmlu: float | None = 50.0
    violations: float = 0.01
    own: bool = False

    def run(self, work: Workspace) -> EvalReport:
        (work.output / "results.json").write_text(json.dumps({"mmlu": self.mmlu}))
        found = {} if self.mmlu is None else {"mmlu": Score(value=self.mmlu, samples=100, stderr=1.0)}
        found["safety_violation_rate"] = Score(value=self.violations, samples=100)
        return EvalReport(model=work.digest(self.model), suite="none", results=found)

    def measures(self) -> Iterable[str | Metric]:
        return ("mmlu", "safety_violation_rate")


class Moved(Artifact):
    """A policy without weights: how far it moved, or no word of it."""

    nats: float | None = None

    @property
    def scores(self) -> Mapping[str, Score]:
        return {} if self.nats is None else {STAGE_KL: Score(value=self.nats), "kl_from_reference": Score(value=self.nats)}


class Align(Stage[Moved]):
    """Moves a policy by as much as is declared."""

    aligns = True

    nats: float | None
    kl_budget: float

    def run(self, work: Workspace) -> Moved:
        (work.output / "policy.txt").write_text(str(self.nats))
        return Moved(nats=self.nats)

    def measures(self) -> Iterable[str | Metric]:
        return ("kl_from_reference",)


class Dear(Stage[Corpus]):
    """Costs money: an estimate that is low beside what it takes."""

    label: str
    seconds: float = 0.0
    estimated: float = 0.0
    data: Ref[Corpus] | None = None

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(self.estimated))

    def run(self, work: Workspace) -> Corpus:
        note(f"start {self.label}")
        time.sleep(self.seconds)
        (work.output / "a.jsonl").write_text(self.label)
        note(f"end {self.label}")
        return Corpus(documents=1, characters=1)
