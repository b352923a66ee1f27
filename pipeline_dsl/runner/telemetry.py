"""OpenTelemetry: a span for each attempt at a stage and one for the run around them, all in one trace.

The numbers come from the plan's digest: its first 32 hexadecimal digits name the trace, the next 16 the run's own span. So the spans of
jobs on many machines meet in one trace, with nothing handed round. OTEL_EXPORTER_OTLP_ENDPOINT names the collector, as for every program
that exports OTLP over HTTP (https://opentelemetry.io/docs/specs/otel/protocol/exporter/); without it nothing is imported. A collector that
does not answer costs a warning, never a stage.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

Value = str | bool | int | float

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@attrs.frozen(kw_only=True)
class Span:
    """What is told of a piece of work. Times are in seconds since 1970; `error` says why it failed."""

    name: str
    start: float
    end: float
    attributes: Mapping[str, Value | None]
    error: str | None = None


def wanted() -> bool:
    """Whether the environment names a collector."""
    return any(os.environ.get(name) for name in _ENDPOINTS) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def trace_of(plan: Plan) -> str:
    """The trace of a plan's run: 32 hexadecimal digits, as collectors show it."""
    return tail(plan.digest)[:32]


def tell_attempt(plan: Plan, name: str, store: Store, began: float, outcome: Record | Fault) -> None:
    """Send the span of one attempt at a stage that began then and ends now, unless it found the stage done."""
    done = isinstance(outcome, Record) and outcome.started < began - 1e-3  # records round to milliseconds
    if wanted() and not done:
        _send(plan, lambda: _attempt(plan, name, store, began, outcome), run=False)


def tell_run(plan: Plan, path: Path, began: float) -> None:
    """Send the span of a run that began then and ends now, by the manifest that it left."""
    if wanted():
        _send(plan, lambda: _run(plan, path, began), run=True)


def _attempt(plan: Plan, name: str, store: Store, began: float, outcome: Record | Fault) -> Span:
    stage = plan.stage(name)
    attributes: dict[str, Value | None] = {
        "pdsl.pipeline": plan.pipeline,
        "pdsl.plan": plan.digest,
        "pdsl.stage": stage.name,
        "pdsl.stage.type": stage.type,
        "pdsl.stage.parents": ", ".join(stage.parents),
        "pdsl.device": stage.device,
        "pdsl.devices": stage.devices,
        "pdsl.flops.planned": stage.estimate.flops,
    }
    error = None
    if isinstance(outcome, Fault):
        attributes["pdsl.fault"], error = outcome.code, outcome.message
    else:
        attributes |= _figures(outcome, store)
    return Span(name=name, start=began, end=time.time(), attributes=attributes, error=error)


def _run(plan: Plan, path: Path, began: float) -> Span:
    from pipeline_dsl.store import manifest as manifests  # a run that finds everything done starts without it

    manifest = manifests.read(path)
    attributes: dict[str, Value | None] = {
        "pdsl.pipeline": plan.pipeline,
        "pdsl.plan": plan.digest,
        "pdsl.manifest": str(path),
        "pdsl.status": manifest.status,
        "pdsl.stages": len(plan.stages),
        "pdsl.stages.done": len(manifest.stages),
        "pdsl.cost_usd": manifest.cost_total_usd,
        "pdsl.author": manifest.author,
        "pdsl.git_commit": manifest.git_commit,
    }
    error = None if manifest.status == "complete" else manifest.reason or manifest.status
    return Span(name=f"run {plan.pipeline}", start=began, end=time.time(), attributes=attributes, error=error)


def _figures(record: Record, store: Store) -> dict[str, Value | None]:
    """What a stage made and took: parameters, tokens, loss and whatever else its artifact's metadata says in one number."""
    tree = store.tree(record.output)
    made = {f"pdsl.meta.{key}": value for key, value in tree.meta.items() if isinstance(value, bool | int | float)}
    scores = {f"pdsl.score.{key}": score.value for key, score in tree.scores.items()}
    took: dict[str, Value | None] = {
        "pdsl.key": record.key,
        "pdsl.output": record.output,
        "pdsl.cost_usd": record.cost_usd,
        "pdsl.wall_clock_sec": record.wall_clock_sec,
        "pdsl.cpu_sec": record.cpu_sec,
        "pdsl.peak_memory_bytes": record.peak_memory,
    }
    return {**made, **scores, **took}


def _send(plan: Plan, made: Callable[[], Span], *, run: bool) -> None:
    """Export one span; what goes wrong with that is printed, since the work itself is done."""
    try:
        sent = _export(plan, made(), run=run)
    except ModuleNotFoundError as error:
        print(f"warning: no span was sent: `{error.name}` is not installed; pip install 'pdsl[telemetry]'", file=sys.stderr)
    except Exception as error:  # the exporter reads a dozen variables of the environment, and may object to each in its own way
        print(f"warning: no span was sent: {type(error).__name__}: {error}", file=sys.stderr)
    else:
        if not sent:
            print("warning: no span was sent: the collector that OTEL_EXPORTER_OTLP_ENDPOINT names did not take it", file=sys.stderr)


def _export(plan: Plan, span: Span, *, run: bool) -> bool:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    number, own = int(trace_of(plan), 16), int(tail(plan.digest)[32:48], 16)

    class Numbers(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return number

        def generate_span_id(self) -> int:
            return own if run else super().generate_span_id()

    kept = InMemorySpanExporter()
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "pdsl"})
    provider = TracerProvider(resource=resource, id_generator=Numbers(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    parent = trace.SpanContext(number, own, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    context = None if run else trace.set_span_in_context(trace.NonRecordingSpan(parent))
    attributes = {key: value for key, value in span.attributes.items() if value is not None}
    open_span = provider.get_tracer("pdsl").start_span(span.name, context, attributes=attributes, start_time=_nanoseconds(span.start))
    if span.error is not None:
        open_span.set_status(trace.Status(trace.StatusCode.ERROR, span.error))
    open_span.end(_nanoseconds(span.end))
    spans = kept.get_finished_spans()
    return not spans or OTLPSpanExporter().export(spans) is SpanExportResult.SUCCESS  # none where OTEL_TRACES_SAMPLER drops it


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
