"""What the server counts, in Prometheus' text format."""

from typing import Any

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Meters:
    """Counters of one server, in a registry of its own."""

    def __init__(self, *, name: str, model: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

        self._registry = CollectorRegistry()
        self._requests = Counter("pdsl_requests", "Requests by route and HTTP status.", ["route", "status"], registry=self._registry)
        self._refused = Counter("pdsl_refused", "Requests refused, by the error's code.", ["code"], registry=self._registry)
        self._seconds = Histogram(
            "pdsl_request_seconds", "From a request's arrival to its answer's end.", ["route"], buckets=SECONDS, registry=self._registry
        )
        self._tokens = Counter("pdsl_tokens", "Tokens read and written.", ["kind"], registry=self._registry)
        self._open = Gauge("pdsl_requests_open", "Requests being answered.", registry=self._registry)
        self._up = Gauge("pdsl_engine_up", "1 while the engine is healthy.", registry=self._registry)
        Info("pdsl_model", "The model that is served.", registry=self._registry).info({"name": name, "digest": model})
        for kind in ("prompt", "completion"):
            self._tokens.labels(kind)

    def opened(self) -> None:
        """A request went to the engine."""
        self._open.inc()

    def closed(self) -> None:
        """Its answer ended, or its client left."""
        self._open.dec()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A reply was sent."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """A request was refused."""
        self._refused.labels(code).inc()

    def used(self, usage: Any) -> None:
        """Count the tokens of an answer's `usage`."""
        if isinstance(usage, dict):
            self._tokens.labels("prompt").inc(int(usage.get("prompt_tokens", 0)))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            self._tokens.labels("completion").inc(int(usage.get("completion_tokens", 0)))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def up(self, healthy: bool) -> None:
        """Whether the engine answers."""
        self._up.set(1 if healthy else 0)

    def text(self) -> tuple[bytes, str]:
        """(the figures, their content type)."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST
