"""What one process really holds while it trains, counted from each case's beginning.

`python -m tests.benchmarks.training_step CASES OUT`; both are files of JSON, CASES of a list of placements.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.convert import structure
from pipeline_dsl.lang.placement import TrainingPlacement
from pipeline_dsl.ml import deepspeed, lora, models, recomputation
from pipeline_dsl.ml.rank import Rank, write_whole

STEPS = 2
"""The optimizer's state is made in the first step; the peak comes in the second."""


BUCKET = 1_000_000
"""Elements of DeepSpeed's buffer: its own 5e8 would be many times what tiny models hold."""


def main() -> None:
    """Train as each case says and write the peaks."""
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    peaks = [peak(structure(raw, TrainingPlacement, what="the case"), None) for raw in cases]
    Path(sys.argv[2]).write_text(json.dumps(peaks), encoding="utf-8")


def rank(rank: Rank) -> None:
    """The same as one of a group on DeepSpeed; `config` holds the cases and the folder for the peaks, one file a rank and case."""
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    deepspeed.join(rank)
    for number, raw in enumerate(rank.config["cases"]):
        found = peak(structure(raw, TrainingPlacement, what="the case"), rank)
        write_whole(Path(rank.config["folder"]) / f"{number}-{rank.rank}.json", {"peak": found})


def peak(case: TrainingPlacement, group: Rank | None) -> float:
    """Most bytes of tensors that were held at once, from the model's making on."""
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _train(torch, case, group, "cuda")
        return float(torch.cuda.max_memory_allocated() - before)
    with torch.autograd.profiler.profile(profile_memory=True, use_kineto=True) as watched:
        _train(torch, case, group, "cpu")
    held = most = 0
    events = [event for event in watched.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return float(most)


def _train(torch: Any, case: TrainingPlacement, group: Rank | None, device: str) -> None:
    bf16 = case.precision == "bf16"
    zero: Any = None
    if group is not None:
        micro = case.micro_batch or 1
        zero = deepspeed.settings(stage=case.zero_stage, micro_batch=micro, accumulation=1, clip=1.0, bf16=bf16, offload=case.offload)
        zero["zero_optimization"]["reduce_bucket_size"] = BUCKET
    model: Any = models.llama(case.model, seed=0, special={}, spread=0.02).to(device)
    if case.lora is not None:
        model = model.to(torch.bfloat16 if bf16 else torch.float32)
        model = import_module("peft").get_peft_model(model, lora.config(model, case.lora))
        lora.keep_whole(model)
    recomputation.prepare(model, recompute=case.recompute, attention=case.attention)
    model.train()
    optimizer: Any = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], fused=True)
    engine: Any = None
    if zero is not None:
        engine, optimizer, _, _ = import_module("deepspeed").initialize(model=model, optimizer=optimizer, config=zero)
    ids = torch.randint(0, case.model.vocabulary, (case.rows, case.length), device=device)
    for _ in range(STEPS):
        if engine is not None:
            engine.backward(engine(input_ids=ids, labels=ids).loss)
            engine.step()
            continue
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


if __name__ == "__main__":
    main()
