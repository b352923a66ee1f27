"""A server for the model, tried out before anybody depends on it."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import CausalModel, Prompts, QuantizedModel, ServerSpec
from pipeline_dsl.lang.fields import Count, NonNegative, held_out
from pipeline_dsl.lang.placement import Placement, ServingPlacement
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.serving.load import Level
    from pipeline_dsl.serving.spec import Launch

BLOCK = 256
"""Tokens of one block of the key-value cache; the engine takes all blocks when it starts."""

TRIAL = Seconds(25)
"""Trying a small server out."""

FILLED = 0.25
"""Share of the longest prompt and answer that the mean one has, where nobody knows better: a guess."""

START = 240.0
"""Seconds that the server may take until it answers: a busy machine needs ten times as long as an idle one."""


class Serve(Stage[ServerSpec]):
    """Start the server that `pdsl serve` starts, send it real requests, and write down how it is launched and what it did.

    `server.json` is the launch description, `load.json` what was seen at each concurrency. Metadata holds the figures of the
    highest concurrency. The model's digest is bound into the description.
    """

    runtimes: ClassVar[tuple[str, ...]] = ("compressed-tensors",)
    """What its engine loads, by the `runtime` that a quantizing stage packs for."""
    chat: ClassVar[bool] = True
    """It answers chats, and so writes prompts in the model's chat template."""

    model: Ref[QuantizedModel | CausalModel]
    prompts: Ref[Prompts] = held_out()
    model_name: str = "model"
    """What clients call the model."""
    key: str = "PDSL_API_KEY"
    """The environment variable that holds the API keys of the server, when it serves for good."""
    dtype: Literal["float32", "bfloat16", "auto"] = "float32"
    """What the engine computes in; most CPUs are slow in bfloat16."""
    temperature: NonNegative = 0.0
    """For all requests: the engine batches them with shared sampling settings."""
    blocks: Count = 64
    """Blocks of the key-value cache."""
    batch_tokens: Count = 256
    """Tokens in one step, over all requests."""
    prompt_limit: Count = 2048
    """Tokens of a prompt, at most."""
    output_limit: Count = 512
    """Tokens of an answer, at most."""
    body_limit: Count = 262_144
    """Bytes of a request, at most."""
    per_minute: Count = 600
    """Requests of one key in a minute, at most."""
    concurrent: Count = 32
    """Requests answered at once, at most."""
    requests: Count = 4
    """Requests that each of the concurrent callers of the load sends, one after the other."""
    tokens: Count = 32
    """Tokens that each of them asks for."""
    concurrency: tuple[int, ...] = (1, 4, 8)

    def placement(self, sizes: Sizes) -> Placement | None:
        shape = sizes[self.model].model
        bits: Any = getattr(self.model, "bits", None)  # where the stage that quantizes says so
        group: Any = getattr(self.model, "group", None)
        if shape is None:
            return None
        whole = 32.0 if self.dtype == "float32" else 16.0
        return ServingPlacement(
            model=shape,
            rows=self.blocks,
            length=BLOCK,
            bits=float(bits) if isinstance(bits, int) else whole,
            group=group if isinstance(group, int) else None,
            cache_bits=whole,
        )

    def cost(self, sizes: Sizes) -> Work:
        served = sizes[self.model]
        if served.model is None:
            return Work(seconds=TRIAL)
        prompt, answer, busiest = FILLED * self.prompt_limit, FILLED * self.output_limit, max(1, *self.concurrency)
        million = Work.writing(
            served.model,
            tokens=1e6,
            at_once=busiest,
            prompt=prompt,
            answer=answer,
            bits=served.bits or (32 if self.dtype == "float32" else 16),
            precision="fp32" if self.dtype == "float32" else "bf16",
        )
        said = f"{busiest} requests at a time, prompts of {prompt:.0f} and answers of {answer:.0f} tokens"
        return Work(seconds=TRIAL, million=million, assumed=said)

    def problems(self) -> Iterator[Problem]:
        if not self.concurrency or min(self.concurrency) < 1:
            yield Problem(
                "concurrency", f"{self.concurrency} is no load", "name at least one number of requests at a time, such as (1, 4, 8)"
            )
        elif max(self.concurrency) > self.concurrent:
            yield Problem(
                "concurrency",
                f"{max(self.concurrency)} at a time is more than `concurrent` = {self.concurrent} lets in",
                "raise `concurrent`",
            )
        if self.tokens > self.output_limit:
            yield Problem("tokens", f"the load asks for {self.tokens} tokens, `output_limit` is {self.output_limit}", "lower `tokens`")
        if not self.key.isidentifier() or self.key != self.key.upper():
            yield Problem(
                "key",
                f"`{self.key}` is no name of an environment variable",
                "name the variable, such as PDSL_API_KEY; never write a key here",
            )
        if self.requests * sum(self.concurrency) + 10 > self.per_minute:
            yield Problem("per_minute", "the load alone would be refused by the rate limit", "raise `per_minute`, or lower `requests`")

    def measures(self) -> Iterable[str]:
        return ("server_tokens_per_second", "server_latency_p95_seconds")

    def run(self, work: Workspace) -> ServerSpec:
        from pipeline_dsl.ml.dialogue import read_prompts
        from pipeline_dsl.serving.spec import write_launch

        _refuse_foreign_runtime(work.meta(self.model))
        prompts = read_prompts(work.path(self.prompts))
        if not prompts:
            raise StageFailed("there are no prompts to send", help="give `prompts` at least one")
        launch = self._launch(work)
        write_launch(work.output / "server.json", launch)
        levels = self._try(work, launch, prompts)
        loaded = [_level(level) for level in levels]
        (work.output / "load.json").write_text(json.dumps({"levels": loaded}, indent=2) + "\n", encoding="utf-8")
        busiest = max(levels, key=lambda level: level.concurrency)
        return ServerSpec(
            model=launch.model,
            engine="transformers serve --continuous-batching",
            endpoint="/v1/chat/completions",
            requests=sum(level.requests for level in levels),
            tokens_per_second=round(busiest.tokens_per_second, 3),
            latency_p50=round(busiest.latency_p50, 6),
            latency_p95=round(busiest.latency_p95, 6),
            metrics_path=launch.metrics,
        )

    def _launch(self, work: Workspace) -> "Launch":
        from pipeline_dsl.serving.spec import Launch, Limits

        config = json.loads((work.path(self.model) / "config.json").read_text(encoding="utf-8"))
        context = int(config.get("max_position_embeddings", self.prompt_limit + self.output_limit))
        limits = Limits(
            body=self.body_limit,
            prompt=self.prompt_limit,
            output=self.output_limit,
            context=context,
            per_minute=self.per_minute,
            concurrent=self.concurrent,
        )
        return Launch(
            model=work.digest(self.model),
            name=self.model_name,
            key=self.key,
            dtype=self.dtype,
            temperature=self.temperature,
            blocks=self.blocks,
            batch_tokens=self.batch_tokens,
            limits=limits,
        )

    def _try(self, work: Workspace, launch: "Launch", prompts: list[list[dict[str, str]]]) -> "list[Level]":
        """What a load on the real server shows; the server is gone when this returns, however it does."""
        import asyncio
        import secrets

        from pipeline_dsl.serving.child import Child, ServerFailed
        from pipeline_dsl.serving.load import run_load
        from pipeline_dsl.serving.probe import check_guards, counted

        for library in ("uvicorn", "starlette", "httpx", "prometheus_client", "openai"):
            work.library(library)
        key = secrets.token_urlsafe(32)  # lives as long as this stage
        server = Child(
            _command(work.path(self.model), work.output / "server.json", work.threads), environment={**_environment(), launch.key: key}
        )
        try:
            address = server.wait_for(r"on (http://\S+)$", START)
            check_guards(address, launch, key)
            load = run_load(work, address, key, launch.name, prompts, requests=self.requests, tokens=self.tokens, levels=self.concurrency)
            levels = asyncio.run(load)
            written = counted(address, launch).get('pdsl_tokens_total{kind="completion"}', 0)
            if written < sum(level.tokens for level in levels):
                raise ServerFailed(f"the server's metrics count {written:.0f} tokens, the clients got more")
            if not server.alive():
                raise server.fault("ended under load")
        finally:
            code = server.stop(grace=15)
        if code != 0:
            raise server.fault(f"did not end in good order, but with {code}")
        return levels


def _refuse_foreign_runtime(meta: Artifact) -> None:
    """Raise StageFailed for a quantized model that the engine cannot load."""
    if isinstance(meta, QuantizedModel) and meta.runtime != "compressed-tensors":
        raise StageFailed(
            f"the model is packed for {meta.runtime}, which this server's engine cannot load",
            help='quantize for this server with `runtime="compressed-tensors"`',
        )


def _command(model: Path, spec: Path, threads: int) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", "0", "--threads", str(threads)]
    return [sys.executable, "-m", "pipeline_dsl.serving.server", "--model", str(model), "--spec", str(spec), *where]


def _environment() -> dict[str, str]:
    """Ours, with the folder that this package was imported from: the child imports it as well."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]), "PYTHONUNBUFFERED": "1"}


def _level(level: "Level") -> dict[str, float]:
    return {
        "concurrency": level.concurrency,
        "requests": level.requests,
        "tokens": level.tokens,
        "seconds": round(level.seconds, 6),
        "tokens_per_second": round(level.tokens_per_second, 3),
        "latency_p50": round(level.latency_p50, 6),
        "latency_p95": round(level.latency_p95, 6),
    }
