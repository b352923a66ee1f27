"""The server stage: a real server, a real load, and nothing left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.artifacts import QuantizedModel
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.serving.load import percentile
from pipeline_dsl.serving.spec import read_launch
from pipeline_dsl.stages.evaluate import Task
from pipeline_dsl.stages.quantize import Quantize
from pipeline_dsl.stages.serve import Serve
from tests.stages.tiny_model import give_chats, give_model, give_prompts, give_suite
from tests.stages.workbench import Workbench, messages

pytestmark = pytest.mark.stages

LOAD: dict[str, Any] = {"requests": 2, "tokens": 6, "concurrency": (1, 3), "prompt_limit": 64, "output_limit": 32, "blocks": 16}


def packed(runtime: str) -> QuantizedModel:
    none = Score(value=0)
    return QuantizedModel(
        method="awq",
        bits=4,
        group=128,
        runtime=runtime,
        source="",
        calibration="",
        accuracy_delta=none,
        kl=none,
        size=1,
        source_size=1,
    )


def servers(folder: Path) -> set[str]:
    """Processes that serve a model out of `folder`, by their command lines."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        serving = b"pipeline_dsl.serving.server" in words or b"--continuous-batching" in words
        if serving and any(word.startswith(bytes(folder)) for word in words):
            found.add(f"{process.parent.name} {words!r}")
    return found


def test_a_quantized_model_is_served_and_answers_a_load(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    model = Quantize(
        model=give_model(bench, steps=20),
        calibration=give_chats(bench),
        suite=give_suite(bench),
        tasks=(Task(name="colours"),),
        samples=8,
        length=64,
        rows=8,
    )
    bench.run(model)
    stage = Serve(model=model, prompts=give_prompts(bench), model_name="tiny", **LOAD)

    meta = bench.run(stage)

    levels = json.loads(bench.files(stage)["load.json"])["levels"]
    launch = read_launch(bench.path(stage) / "server.json")
    assert [(level["concurrency"], level["requests"]) for level in levels] == [(1, 2), (3, 6)]
    assert all(0 < level["latency_p50"] <= level["latency_p95"] <= level["seconds"] for level in levels)
    assert (meta.requests, meta.tokens_per_second, meta.latency_p95) == (8, levels[1]["tokens_per_second"], levels[1]["latency_p95"])
    assert (meta.model, launch.model, launch.name, launch.limits.context) == (bench.digest(model), bench.digest(model), "tiny", 128)
    assert servers(tmp_path) == set()


def test_a_model_that_is_packed_for_another_runtime_is_refused(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    with pytest.raises(StageFailed, match="packed for tensorrt-llm"):
        bench.run(Serve(model=bench.give(packed("tensorrt-llm"), {}), prompts=give_prompts(bench)))


def test_without_prompts_there_is_nothing_to_send(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)

    with pytest.raises(StageFailed, match="no prompts"):
        bench.run(Serve(model=bench.give(packed("compressed-tensors"), {}), prompts=give_prompts(bench, 0)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"concurrency": ()}, "is no load"),
        ({"concurrency": (1, 64)}, "more than `concurrent`"),
        ({"tokens": 600}, "`output_limit` is 512"),
        ({"key": "sk-proj-abcdef0123456789"}, "no name of an environment variable"),
        ({"per_minute": 20}, "refused by the rate limit"),
    ],
)
def test_the_declaration_alone_shows_what_cannot_be(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    bench = Workbench(tmp_path)
    stage = Serve(model=give_model(bench), prompts=give_prompts(bench), **fields)

    assert said in messages(stage)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.25, 1), (1.0, 4), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], share) == value
