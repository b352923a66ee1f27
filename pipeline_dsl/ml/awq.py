"""Activation-aware weight quantization (Lin et al., 2023, arXiv:2306.00978), by the library of each runtime.

Both scale the channels that activations make salient, round weights to `bits` in groups of input channels, and leave the output
head and the embedding in 16 bits.
"""

import contextlib
import copy
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.workspace import Workspace

BATCH = 16
"""Calibration rows in a forward pass."""

Method = Literal["awq", "rtn"]
"""`rtn` rounds to nearest without looking at activations: what AWQ has to beat."""


@attrs.frozen(kw_only=True)
class Scheme:
    """How weights are rounded: `bits` a weight, one scale for each `group` input channels of an output channel."""

    method: Method = "awq"
    bits: int = 4
    group: int = 128


def refuse_unfit(model: Any, scheme: Scheme) -> None:
    """Raise StageFailed for what would not be quantized as asked: inputs that do not divide into groups, or experts in one tensor.

    Experts that lie fused in one tensor a layer are no layers to the libraries, which would leave them in 16 bits: most of the model.
    """
    fused = [name for name, parameter in model.named_parameters() if parameter.dim() == 3 and ".experts." in name]
    if fused:
        raise StageFailed(
            f"the model's experts are fused in {len(fused)} tensors such as `{fused[0]}`, which are not quantized",
            help="serve a model with experts in 16 bits",
        )
    unfit = {
        f"{name} reads {module.in_features}"
        for name, module in model.named_modules()
        if type(module).__name__ == "Linear" and name != "lm_head" and module.in_features % scheme.group
    }
    if unfit:
        shown = ", ".join(sorted(unfit)[:3])
        raise StageFailed(
            f"{len(unfit)} layers do not divide into groups of {scheme.group} channels: {shown}",
            help="choose a model whose hidden and ffn sizes are multiples of the group, or a smaller `group` that divides them",
        )


def compress(work: Workspace, model: Any, rows: Sequence[Sequence[int]], scheme: Scheme, output: Path) -> None:
    """Quantize with llmcompressor and write what transformers and vLLM load: compressed-tensors, packed.

    Changes `model`. Shapes: `rows` all have one length, in token ids.
    """
    torch = work.library("torch")
    schemes = work.library("compressed_tensors.quantization")
    weights = schemes.QuantizationArgs(num_bits=scheme.bits, type="int", symmetric=True, strategy="group", group_size=scheme.group)
    groups = {"weights": schemes.QuantizationScheme(targets=["Linear"], weights=weights)}
    rounding = work.library("llmcompressor.modifiers.quantization").QuantizationModifier(config_groups=groups, ignore=["lm_head"])
    smoothing = [work.library("llmcompressor.modifiers.transform.awq").AWQModifier()] if scheme.method == "awq" else []
    batches = [{"input_ids": torch.tensor(row), "attention_mask": torch.ones(len(row), dtype=torch.long)} for row in rows]
    with pinning_only_for_accelerators(work):
        work.library("llmcompressor").oneshot(
            model=model,
            dataset=torch.utils.data.DataLoader(batches, batch_size=BATCH) if smoothing else None,
            recipe=[*smoothing, rounding],
            num_calibration_samples=len(batches),
            batch_size=BATCH,
        )
    model.to(torch.bfloat16).save_pretrained(output, save_compressed=True)


@contextlib.contextmanager
def pinning_only_for_accelerators(work: Workspace) -> Generator[None]:
    """Keep llmcompressor from pinning memory where there is no accelerator to copy it to.

    llmcompressor 0.14.0.1 pins calibration activations always, which torch refuses on a machine without an accelerator
    (`pin_memory(): Cannot access accelerator device`). Pinned or not, the values are the same.
    """
    cache = work.library("llmcompressor.pipelines.cache").IntermediatesCache
    if work.library("torch").accelerator.is_available():
        yield
        return
    pin = cache.pin_memory

    def leave(cache: Any, batch_index: int, input_names: Any = None) -> None:
        """Pin nothing."""

    cache.pin_memory = leave
    try:
        yield
    finally:
        cache.pin_memory = pin


def pack_for_tensorrt(work: Workspace, model: Any, rows: Sequence[Sequence[int]], scheme: Scheme, output: Path) -> None:
    """Quantize with ModelOpt and write what TensorRT-LLM loads: packed weights and `hf_quant_config.json`.

    Changes `model`. Shapes: `rows` all have one length, in token ids.
    """
    torch = work.library("torch")
    quantization = work.library("modelopt.torch.quantization")
    config: Any = copy.deepcopy(quantization.INT4_AWQ_CFG)
    for entry in config["quant_cfg"]:
        if entry["quantizer_name"] == "*weight_quantizer":
            entry["cfg"] = {**entry["cfg"], "num_bits": scheme.bits, "block_sizes": {-1: scheme.group, "type": "static"}}
    if scheme.method == "rtn":
        config["algorithm"] = "max"
    batches = [torch.tensor([list(row) for row in rows[start : start + BATCH]]) for start in range(0, len(rows), BATCH)]

    def calibrate(calibrated: Any) -> None:
        for batch in batches:
            calibrated(batch)

    with torch.inference_mode():
        quantization.quantize(model, config, calibrate)
    work.library("modelopt.torch.export").export_hf_checkpoint(model.to(torch.bfloat16), export_dir=str(output))
