"""Spans as a collector gets them: by OTLP over HTTP, from a run in processes of its own."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.runner.bench import DIAMOND, Bench

pytestmark = pytest.mark.stages

OK, ERROR = 1, 2


class Collector:
    """A collector on a port of its own; `code` is what it answers."""

    def __init__(self, code: int = 200) -> None:
        self.requests: list[Any] = []
        collector = self
        messages: Any = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.requests.append((self.path, messages.ExportTraceServiceRequest.FromString(body)))
                self.send_response(code)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: what matters is in `requests`."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self) -> dict[str, Any]:
        """Each span by its name."""
        return {span.name: span for _, request in self.requests for scope in request.resource_spans[0].scope_spans for span in scope.spans}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


def test_every_stage_is_a_span_of_one_trace_that_the_plan_names(tmp_path: Path, collector: Collector) -> None:
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0.05), "ours")
    ended = bench.pdsl("run", "ours.py", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
    assert ended.returncode == 0, ended.stderr
    manifest, spans = bench.manifest(), collector.spans()

    assert set(spans) == {*manifest["stages"], "run diamond"}
    assert {path for path, _ in collector.requests} == {"/v1/traces"}
    assert {span.trace_id.hex() for span in spans.values()} == {manifest["plan"].removeprefix("sha256:")[:32]}
    root = spans.pop("run diamond")
    assert {span.parent_span_id for span in spans.values()} == {root.span_id}
    assert len({span.span_id for span in spans.values()}) == len(spans)
    for name, span in spans.items():
        told, entry = attributes(span), manifest["stages"][name]
        assert (told["pdsl.output"], told["pdsl.wall_clock_sec"]) == (entry["output_hash"], entry["wall_clock_sec"])
        assert root.start_time_unix_nano <= span.start_time_unix_nano < span.end_time_unix_nano <= root.end_time_unix_nano
        assert span.end_time_unix_nano - span.start_time_unix_nano >= entry["wall_clock_sec"] * 1e9
        assert {f"pdsl.score.{metric}" for metric in entry["metrics"]} <= set(told)
    assert attributes(root)["pdsl.status"] == "complete"


def test_what_is_cached_is_no_span_and_what_failed_is_an_error(tmp_path: Path, collector: Collector) -> None:
    bench = Bench(tmp_path)
    text = DIAMOND.format(seconds=0.05)
    bench.write(text, "ours")
    assert bench.pdsl("run", "ours.py", "--only", "01_step").returncode == 0
    bench.write(text.replace("label='left'", "label='no/where'"), "ours")
    ended = bench.pdsl("run", "ours.py", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
    assert ended.returncode == 5, ended.stderr
    spans = collector.spans()

    assert "01_step" not in spans
    failed = spans["02_step"]
    assert failed.status.code == ERROR
    assert "no/where" in failed.status.message
    assert attributes(failed)["pdsl.fault"].startswith("PDSL")
    assert (spans["run diamond"].status.code, attributes(spans["run diamond"])["pdsl.status"]) == (ERROR, "failed")


def test_jobs_of_a_cluster_meet_in_one_trace(tmp_path: Path, collector: Collector) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='pair', targets=[Step(label='b', reads=(Step(label='a'),))])", "ours")
    assert bench.pdsl("plan", "ours.py", "--out", "plan.json").returncode == 0
    for words in (("run", "01_step"), ("run", "02_step"), ("manifest",)):
        ended = bench.pdsl("stage", *words, "--plan", "plan.json", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
        assert ended.returncode == 0, ended.stderr
    spans = collector.spans()

    assert set(spans) == {"01_step", "02_step", "run pair"}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["run pair"].span_id == spans["01_step"].parent_span_id == spans["02_step"].parent_span_id


def test_a_collector_that_is_away_or_refuses_costs_a_warning(tmp_path: Path) -> None:
    bench, refusing = Bench(tmp_path), Collector(code=400)
    bench.write("pipeline = Pipeline(name='one', targets=[Step(label='a')])", "ours")
    assert bench.pdsl("plan", "ours.py", "--out", "plan.json").returncode == 0
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    for settings in (away, {"OTEL_EXPORTER_OTLP_ENDPOINT": refusing.endpoint}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "no address"}):
        ended = bench.pdsl("stage", "run", "01_step", "--plan", "plan.json", "--force", **settings)

        assert ended.returncode == 0, ended.stderr
        assert "warning: no span was sent" in ended.stderr
    refusing.server.shutdown()


def test_nobody_asked_nothing_sent(tmp_path: Path, collector: Collector) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='one', targets=[Step(label='a')])", "ours")
    for settings in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_SDK_DISABLED": "true"}):
        ended = bench.pdsl("run", "ours.py", "--from", "01_step", **settings)
        assert ended.returncode == 0, ended.stderr

    assert collector.requests == []
