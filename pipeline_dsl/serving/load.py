"""A short load on a running server, sent by the `openai` client, and what it showed."""

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any

import attrs

from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.serving.child import ServerFailed

Messages = Sequence[dict[str, str]]


@attrs.frozen(kw_only=True)
class Level:
    """What was seen at one number of requests at a time. Latencies in seconds a request, from sending to the last token."""

    concurrency: int
    requests: int
    tokens: int
    seconds: float
    latency_p50: float
    latency_p95: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens written a second, over all requests."""
        return self.tokens / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank).

    Raises: ValueError if there are none.
    """
    if not values:
        raise ValueError("no values have no percentile")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


async def run_load(
    work: Workspace, address: str, key: str, model: str, prompts: Sequence[Messages], *, requests: int, tokens: int, levels: Sequence[int]
) -> list[Level]:
    """At each concurrency in `levels`, have so many callers send `requests` requests each for up to `tokens` tokens.

    The callers take turns through `prompts`.
    Raises: ServerFailed if any request is not answered.
    """
    openai: Any = work.library("openai")
    found: list[Level] = []
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=60.0) as client:
        for concurrency in levels:
            total = requests * concurrency
            found.append(await _level(openai, client, model, prompts, requests=total, tokens=tokens, concurrency=concurrency))
            work.progress(len(found), len(levels), tokens_per_second=found[-1].tokens_per_second)
    return found


async def _level(
    openai: Any, client: Any, model: str, prompts: Sequence[Messages], *, requests: int, tokens: int, concurrency: int
) -> Level:
    gate = asyncio.Semaphore(concurrency)
    latencies: list[float] = []

    async def one(index: int) -> int:
        async with gate:
            started = time.perf_counter()
            try:
                answer = await client.chat.completions.create(model=model, messages=prompts[index % len(prompts)], max_tokens=tokens)
            except openai.OpenAIError as error:
                raise ServerFailed(f"the server did not answer request {index + 1} of {requests}: {error}") from error
            latencies.append(time.perf_counter() - started)
            return int(answer.usage.completion_tokens)

    started = time.perf_counter()
    written = await asyncio.gather(*(one(index) for index in range(requests)))
    return Level(
        concurrency=concurrency,
        requests=requests,
        tokens=sum(written),
        seconds=time.perf_counter() - started,
        latency_p50=percentile(latencies, 0.50),
        latency_p95=percentile(latencies, 0.95),
    )
