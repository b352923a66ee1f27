"""The server that clients see: OpenAI's routes, guarded and counted, in front of an engine.

    POST /v1/chat/completions   GET /v1/models   GET /health   GET /metrics
    POST /v1/completions

The first column and `/v1/models` need a key; health and metrics carry no text and are open to whoever may reach the port.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pipeline_dsl.serving.admission import Admitted, admit_chat, admit_completion
from pipeline_dsl.serving.keys import Keys, RateLimit
from pipeline_dsl.serving.meters import Meters
from pipeline_dsl.serving.prompt import PromptTokens
from pipeline_dsl.serving.refusal import Refusal
from pipeline_dsl.serving.spec import Launch
from pipeline_dsl.serving.stream import events

if TYPE_CHECKING:
    import httpx
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

BODY_SECONDS = 15.0
"""How long a client may take to send a request."""

Admit = Callable[[Any, Launch, PromptTokens], Admitted]


class Proxy:
    """One server's state. `healthy` is set by whoever watches the engine."""

    def __init__(self, launch: Launch, keys: Keys, tokens: PromptTokens, engine: "httpx.AsyncClient") -> None:
        self.healthy = True
        self.meters = Meters(name=launch.name, model=launch.model)
        self._launch = launch
        self._keys = keys
        self._rate = RateLimit(launch.limits.per_minute)
        self._tokens = tokens
        self._engine = engine
        self._open = 0
        self._since = int(time.time())

    def application(self) -> "Starlette":
        """The routes."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        chat, completion = "/v1/chat/completions", "/v1/completions"
        routes = [
            Route(chat, self._counted(chat, lambda request: self._answer(request, chat, admit_chat)), methods=["POST"]),
            Route(
                completion, self._counted(completion, lambda request: self._answer(request, completion, admit_completion)), methods=["POST"]
            ),
            Route("/v1/models", self._counted("/v1/models", self._models), methods=["GET"]),
            Route("/v1/models/{name:path}", self._counted("/v1/models", self._models), methods=["GET"]),
            Route(self._launch.health, self._health, methods=["GET"]),
            Route(self._launch.metrics, self._metrics, methods=["GET"]),
        ]
        handlers: Any = {404: self._no_route, 405: self._no_route, 500: self._our_fault}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _counted(self, route: str, answer: "Callable[[Request], Awaitable[Response]]") -> "Callable[[Request], Awaitable[Response]]":
        """`answer` with refusals as replies, and every reply counted; a stream counts itself when it ends."""

        async def counted(request: "Request") -> "Response":
            started = time.monotonic()
            request.state.started = started
            try:
                reply = await answer(request)
            except Refusal as refusal:
                reply = self._refuse(refusal)
            if not getattr(request.state, "streams", False):
                self.meters.answered(route, reply.status_code, time.monotonic() - started)
            return reply

        return counted

    def _refuse(self, refusal: Refusal) -> "Response":
        from starlette.responses import JSONResponse

        self.meters.refused(refusal.code)
        return JSONResponse(refusal.body(), refusal.status, refusal.headers)

    async def _answer(self, request: "Request", route: str, admit: Admit) -> "Response":
        self._rate.take(self._keys.owner(request.headers.get("authorization")))
        data = await self._read(request)
        admitted = admit(data, self._launch, self._tokens)
        if not self.healthy:
            raise Refusal(503, "engine_unavailable", "the engine is down")
        if self._open >= self._launch.limits.concurrent:
            raise Refusal(429, "too_many_requests", "the server is answering as many requests as it may", headers={"Retry-After": "1"})
        self._enter()
        try:
            reply = await self._send(route, admitted)
            return await (self._stream(request, route, reply, admitted) if admitted.stream else self._whole(reply))
        finally:
            if not getattr(request.state, "streams", False):
                self._leave()

    def _enter(self) -> None:
        self._open += 1
        self.meters.opened()

    def _leave(self) -> None:
        self._open -= 1
        self.meters.closed()

    async def _read(self, request: "Request") -> Any:
        """The request's JSON, read no further than the limit."""
        most = self._launch.limits.body
        too_large = Refusal(413, "request_too_large", f"a request may be {most} bytes long")
        declared = request.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > most:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    body += part
                    if len(body) > most:
                        raise too_large
        except TimeoutError as error:
            raise Refusal(408, "request_timeout", f"the request did not arrive within {BODY_SECONDS:.0f} s") from error
        try:
            return json.loads(bytes(body))
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "invalid_json", "the request is not valid JSON") from error

    async def _send(self, route: str, admitted: Admitted) -> "httpx.Response":
        """The engine's reply, its body not yet read."""
        import httpx

        try:
            reply = await self._engine.send(self._engine.build_request("POST", route, json=admitted.body), stream=True)
        except httpx.TimeoutException as error:
            raise Refusal(504, "engine_timeout", "the engine took too long") from error
        except httpx.HTTPError as error:
            raise Refusal(503, "engine_unavailable", "the engine does not answer") from error
        if reply.status_code != 200:
            await reply.aclose()
            code = "engine_unavailable" if reply.status_code == 503 else "engine_error"
            raise Refusal(503 if reply.status_code == 503 else 502, code, f"the engine answered {reply.status_code}")
        return reply

    async def _whole(self, reply: "httpx.Response") -> "Response":
        import httpx
        from starlette.responses import JSONResponse

        try:
            answer = json.loads(await reply.aread())
        except httpx.TimeoutException as error:
            raise Refusal(504, "engine_timeout", "the engine took too long") from error
        except (httpx.HTTPError, ValueError) as error:
            raise Refusal(502, "engine_error", "the engine's answer broke off") from error
        finally:
            await reply.aclose()
        self.meters.used(answer.get("usage"))
        return JSONResponse({**answer, "model": self._launch.name})

    async def _stream(self, request: "Request", route: str, reply: "httpx.Response", admitted: Admitted) -> "Response":
        from starlette.responses import StreamingResponse

        request.state.streams = True
        return StreamingResponse(
            self._chunks(reply, route, admitted, request.state.started),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def _chunks(self, reply: "httpx.Response", route: str, admitted: Admitted, started: float) -> AsyncIterator[bytes]:
        """The answer's events. Ends the engine's work on it when the client leaves, which ends this generator."""
        import httpx

        status = 499  # the client left; nginx's number for it
        try:
            async for chunk in events(reply.aiter_lines(), name=self._launch.name, usage=admitted.usage, meters=self.meters):
                yield chunk
            status = 200
        except httpx.HTTPError:
            status = 502
            from pipeline_dsl.serving.stream import DONE, event

            yield event(Refusal(502, "engine_error", "the engine's answer broke off").body())
            yield DONE
        finally:
            self._leave()
            self.meters.answered(route, status, time.monotonic() - started)
            await reply.aclose()

    async def _models(self, request: "Request") -> "Response":
        from starlette.responses import JSONResponse

        self._rate.take(self._keys.owner(request.headers.get("authorization")))
        model = {"id": self._launch.name, "object": "model", "created": self._since, "owned_by": "pdsl", "digest": self._launch.model}
        name = request.path_params.get("name")
        if name is None:
            return JSONResponse({"object": "list", "data": [model]})
        if name != self._launch.name:
            raise Refusal(404, "model_not_found", f"this server has one model, `{self._launch.name}`", param="model")
        return JSONResponse(model)

    async def _health(self, request: "Request") -> "Response":
        from starlette.responses import JSONResponse

        return JSONResponse({"status": "ok" if self.healthy else "unhealthy", "model": self._launch.model}, 200 if self.healthy else 503)

    async def _metrics(self, request: "Request") -> "Response":
        from starlette.responses import Response

        self.meters.up(self.healthy)
        text, kind = self.meters.text()
        return Response(text, headers={"Content-Type": kind})

    async def _no_route(self, request: "Request", error: Exception) -> "Response":
        status = int(getattr(error, "status_code", 404))
        return self._refuse(Refusal(status, "unknown_url", f"this server has no {request.method} {request.url.path[:100]}"))

    async def _our_fault(self, request: "Request", error: Exception) -> "Response":
        return self._refuse(Refusal(500, "internal_error", "the server failed; its log says where"))
