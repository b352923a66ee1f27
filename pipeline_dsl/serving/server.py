"""Serving for good: an engine, the proxy in front of it, and someone who watches both."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipeline_dsl.base.fault import Exit, Fault, Usage
from pipeline_dsl.serving.child import ServerFailed
from pipeline_dsl.serving.engine import Engine, start_engine
from pipeline_dsl.serving.keys import Keys
from pipeline_dsl.serving.prompt import PromptTokens
from pipeline_dsl.serving.proxy import Proxy
from pipeline_dsl.serving.spec import Launch, read_launch

if TYPE_CHECKING:
    import uvicorn

WATCH = 0.25
"""Seconds between two looks at the engine's process."""
PULSE = 5.0
"""Seconds between two questions after the engine's health."""
LAST = 2.0
"""Seconds for which `/health` says that the engine is gone, before the server ends."""


def serve(model: Path, spec: Path, *, host: str = "127.0.0.1", port: int = 8000, threads: int = 1) -> None:
    """Serve the model in the folder `model` as `spec` says, until SIGTERM or ctrl-C.

    Raises: Usage if the API key's variable is not set or the port is taken; ServerFailed if the engine does not start, or dies.
    """
    launch = read_launch(spec)
    keys = Keys.of_variable(launch.key)
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    engine: Engine | None = None
    try:
        engine = start_engine(model, launch, threads=threads)
        # uvicorn takes the signals over from here, ends in good order, and then raises them again for whoever listened before
        for number in before:
            signal.signal(number, _nothing)
        asyncio.run(_serve(model, launch, keys, engine, host, port))
    except KeyboardInterrupt:
        return
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        if engine is not None:
            engine.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _nothing(number: int, frame: FrameType | None) -> None:
    return


async def _serve(model: Path, launch: Launch, keys: Keys, engine: Engine, host: str, port: int) -> None:
    import httpx
    import uvicorn

    timeout = httpx.Timeout(launch.limits.seconds, connect=5.0)
    pool = httpx.Limits(max_connections=launch.limits.concurrent + 1)
    async with httpx.AsyncClient(base_url=engine.address, timeout=timeout, limits=pool, trust_env=False) as client:
        proxy = Proxy(launch, keys, PromptTokens(model), client)
        config = uvicorn.Config(
            proxy.application(),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        server = uvicorn.Server(config)
        watch = asyncio.create_task(_watch(engine, proxy, server, launch))
        try:
            await server.serve()
        except SystemExit as error:  # uvicorn's way to say that it cannot listen; it has logged why
            raise Usage(f"cannot listen on {host}:{port}", help="another server may have the port: choose one with --port") from error
        finally:
            watch.cancel()
        if not proxy.healthy:
            raise engine.child.fault("died, and the server with it" if not engine.child.alive() else "is not healthy any more")


async def _watch(engine: Engine, proxy: Proxy, server: "uvicorn.Server", launch: Launch) -> None:
    """Say where the server is, then end it when the engine dies: `/health` turns first, so that a balancer can see it."""
    while not server.started:
        await asyncio.sleep(0.02)
    sockets: Any = server.servers[0].sockets
    host, port = sockets[0].getsockname()[:2]
    print(f"serving {launch.name} on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    pulse = 0.0
    while True:
        await asyncio.sleep(WATCH)
        pulse += WATCH
        alive = engine.child.alive()
        if alive and pulse >= PULSE:
            pulse = 0.0
            alive = await asyncio.to_thread(engine.healthy)
        if not alive:
            proxy.healthy = False
            await asyncio.sleep(LAST)
            server.should_exit = True
            return


def main(arguments: list[str]) -> int:
    """`python -m pipeline_dsl.serving.server --model DIR --spec FILE`: what the server stage starts. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="pipeline_dsl.serving.server", description="Serve a model folder.", allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "1")))
    given = parser.parse_args(arguments)
    try:
        serve(given.model, given.spec, host=given.host, port=given.port, threads=given.threads)
    except Fault as fault:
        print(fault, file=sys.stderr, flush=True)
        return int(fault.exit)
    return int(Exit.OK)


__all__ = ["ServerFailed", "main", "serve"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
