"""Reading back what ModelOpt packs for TensorRT-LLM, so that what is measured is the file and not what it was made from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.lang.workspace import Workspace

CONFIG = "hf_quant_config.json"
"""The file that says how the weights beside it are packed."""


def is_packed(directory: Path) -> bool:
    """Whether a folder holds a model as ModelOpt exports it."""
    return (directory / CONFIG).is_file()


def read_packed(work: Workspace, directory: Path) -> Any:
    """The model in `directory` with its weights expanded to float32: on a GPU it computes the same, to rounding.

    Raises: WrongArtifact for another format than W4A16_AWQ, or weights that do not make up the model.
    """
    packing = json.loads((directory / CONFIG).read_text(encoding="utf-8"))["quantization"]
    if packing["quant_algo"] != "W4A16_AWQ":
        raise WrongArtifact(f"the weights are packed as {packing['quant_algo']}; only W4A16_AWQ can be read back")
    transformers = work.library("transformers")
    settings = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    settings.pop("quantization_config", None)
    config: Any = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    config.dtype = work.library("torch").float32
    model: Any = transformers.AutoModelForCausalLM.from_config(config)
    tensors: dict[str, Any] = {}
    for file in sorted(directory.glob("*.safetensors")):
        tensors |= work.library("safetensors.torch").load_file(file)
    weights = {name: expanded(work, name, tensors, int(packing["group_size"])) for name in tensors if name.endswith((".weight", ".bias"))}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    absent = [name for name in missing if not (name == "lm_head.weight" and config.tie_word_embeddings)]
    if absent or unexpected:
        raise WrongArtifact(f"the packed weights do not make up the model: {[*absent, *unexpected][:3]}")
    model.tie_weights()
    return model


def expanded(work: Workspace, name: str, tensors: Mapping[str, Any], group: int) -> Any:
    """One weight in float32.

    Shapes: packed [out / 2, in] in uint8, the even output channel in the low half of each byte, two's complement; scales [out, in / group];
    the scale of the inputs [in], which belongs to the weight's columns.
    Source: nvidia-modelopt 0.47, `pack_int4_in_uint8`.
    """
    torch = work.library("torch")
    packed = tensors[name]
    if packed.dtype != torch.uint8:
        return packed.float()
    stem = name.removesuffix("weight")
    halves = torch.stack([packed & 0x0F, packed >> 4], dim=1).reshape(-1, packed.shape[1]).to(torch.int8)
    values = torch.where(halves > 7, halves - 16, halves).float()
    weight = values * tensors[f"{stem}weight_scale"].float().repeat_interleave(group, dim=1)
    inputs = tensors.get(f"{stem}pre_quant_scale")
    return weight if inputs is None else weight * inputs.float()
