from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.memory import cache_bytes
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.memory import LARGER, footprint, gigabytes
from pipeline_dsl.compiler.served import BITS, packed_as, servings
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.kubernetes import TensorRtLlm
from pipeline_dsl.lang.placement import ServingPlacement


class ServedMemoryExceeded(FactCheck):
    """The model that ships does not fit the GPUs that a cluster's settings serve it on, or leaves too little for one request.

    TensorRT-LLM loads the weights, takes `kv_cache_fraction` of what they leave for the cache, and refuses to start where the cache
    does not hold the longest request that it is to serve. Judged if `Serving.device` is said and the model's shape is known.
    """

    code = "PDSL348"
    bad = (
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nreport = Evaluate(model=sft)\n"
        "ours = Kubernetes(image='i@sha256:' + 64 * '0', serving=Serving(image='s@sha256:' + 64 * '0', device=V100,\n"
        "    engine=TensorRtLlm(kv_cache_fraction=0.05)))\n"
        "pipeline = Pipeline(name='p', targets=[report], ships=sft, launchers=[ours], gates=GATES[:3],\n"
        "    baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nreport = Evaluate(model=sft)\n"
        "ours = Kubernetes(image='i@sha256:' + 64 * '0', serving=Serving(image='s@sha256:' + 64 * '0', device=H100))\n"
        "pipeline = Pipeline(name='p', targets=[report], ships=sft, launchers=[ours], gates=GATES[:3],\n"
        "    baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for serving, shipped in servings(facts):
            engine, model = serving.engine, facts.sizes[shipped].model
            devices = engine.tensor_parallel * engine.pipeline_parallel
            if serving.device is None or model is None or model.problems() or devices < 1:
                continue
            bits = BITS.get(packed_as(engine, shipped, facts) or "", facts.sizes[shipped].bits or 16.0)
            placed = ServingPlacement(model=model, devices=devices, rows=1, length=1, bits=bits)
            held = footprint(placed, Hardware(device=serving.device, count=devices)).total.low
            capacity = LARGER * serving.device.memory
            longest = engine.max_length or model.context
            needed = _cache(engine, model.layers, model.kv_heads, model.head, longest)
            left = engine.kv_cache_fraction * (capacity - held)
            if needed <= left:
                continue
            at = facts.graph.pipeline_argument("launchers")
            related = [("what it serves", facts.graph.span(shipped))]
            where = f"on each of {devices} {serving.device.name}"
            if held > capacity:
                told = f"`{facts.graph.names[shipped]}` takes {gigabytes(held)} {where}, which has {gigabytes(serving.device.memory)}"
                yield self.finding(told, at=at, related=related, help="write a larger `tensor_parallel`, or quantize the model")
            else:
                told = f"the cache of one request of {longest:,} tokens takes {gigabytes(needed)} {where}; the engine has {gigabytes(left)}"
                yield self.finding(
                    told, at=at, related=related, help="write a larger `kv_cache_fraction`, a smaller `max_length`, or more devices"
                )


def _cache(engine: TensorRtLlm, layers: int, heads: int, head: int, tokens: int) -> float:
    """Bytes on one device of the keys and values of one request."""
    bits = 8.0 if engine.kv_cache_dtype == "fp8" else 16.0
    whole = cache_bytes(layers=layers, keys=heads * head, tokens=tokens, bits=bits)
    return whole / engine.pipeline_parallel / min(engine.tensor_parallel, heads)
