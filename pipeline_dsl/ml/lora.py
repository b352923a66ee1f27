"""Low-rank adapters by peft: beside a frozen model while it trains, in files of their own, and merged into it."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import DigestMismatch, StageFailed
from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml import models
from pipeline_dsl.ml.causal import load_causal

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def frozen(folder: str, lora: Lora, *, dtype: Any, device: str) -> Any:
    """The model that adapters are trained beside: whole in `dtype`, or its layers in 4-bit normal floats.

    The scales of the 4-bit blocks are quantized too; products are computed in `dtype`, one of torch's.
    Source: Dettmers et al. (2023), arXiv:2305.14314, section 3. Raises: StageFailed if nothing was quantized.
    """
    transformers: Any = import_module("transformers")
    if lora.base != "nf4":
        whole = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        models.balance(whole)
        return whole
    packing = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=packing, dtype=dtype, device_map={"": device}, local_files_only=True
    )
    models.balance(model)
    packed = import_module("bitsandbytes").nn.Linear4bit
    if not any(isinstance(module, packed) and module.weight.quant_type == "nf4" for module in model.modules()):
        raise StageFailed("no layer of the model is held in 4 bits", help='train beside whole weights: `Lora(base="bf16")`')
    return model


def config(model: Any, lora: Lora) -> Any:
    """What TRL is told of the adapters.

    Raises: StageFailed if a target is no matrix of the model: peft would leave it out and say nothing. Those of experts lie fused
    in one tensor a layer, which is none.
    """
    linear = _linear(model)
    absent = [name for name in lora.targets if name not in linear]
    if absent:
        raise StageFailed(
            f"the model has no matrix called {', '.join(f'`{name}`' for name in absent)}",
            help=f"its matrices are {', '.join(sorted(linear))}; write `Lora(targets=...)` with some of them",
        )
    peft: Any = import_module("peft")
    return peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=list(lora.targets), task_type="CAUSAL_LM"
    )


def _linear(model: Any) -> set[str]:
    linear: Any = import_module("torch").nn.Linear  # of which the 4-bit layers are a kind
    named = list(model.named_modules())
    fused = {"gate_proj", "up_proj", "down_proj"} if any(name.endswith(".experts") for name, _ in named) else set[str]()
    return {name.rpartition(".")[2] for name, module in named if isinstance(module, linear)} - fused


def keep_whole(model: Any) -> None:
    """Hold the adapters themselves in fp32: TRL rounds those of a 4-bit model to bf16, in which small updates are lost."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def save(model: Any, state: Any, folder: Path) -> None:
    """Write the adapter's matrices and its configuration, the same bytes wherever the base model lay.

    `state` are the weights gathered from all ranks; None takes the model's own.
    """
    model.save_pretrained(folder, state_dict=state)
    (folder / "README.md").unlink(missing_ok=True)
    said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    said |= {"base_model_name_or_path": None, "target_modules": sorted(said["target_modules"])}
    (folder / CONFIG).write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def size(folder: Path) -> int:
    """How many numbers an adapter has."""
    with (folder / WEIGHTS).open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return sum(_product(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _product(shape: list[int]) -> int:
    count = 1
    for width in shape:
        count *= width
    return count


def merged(work: Workspace, base: Path, adapter: Path) -> tuple[Any, Any]:
    """(model, tokenizer): the base with the adapter's update added to its weights, in float32.

    Raises: StageFailed if the adapter has matrices that the base has not.
    """
    model, tokenizer = load_causal(work, base)
    peft = work.library("peft")
    try:
        whole = peft.PeftModel.from_pretrained(model, adapter)
    except (RuntimeError, ValueError) as error:
        raise StageFailed(f"the adapter does not fit the model: {error}") from error
    return whole.merge_and_unload(safe_merge=True).eval(), tokenizer


def refuse_other_base(given: str, trained_on: str) -> None:
    """Hold the model that is given to the one that an adapter was trained on; both are digests.

    Raises: DigestMismatch. Merged into another model of the same shape, an adapter gives weights that nobody trained, and no error.
    """
    if given != trained_on:
        raise DigestMismatch(
            f"the adapter was trained on {trained_on}, and would be merged into {given}",
            help="give the merge the very stage that the adapter was trained on",
        )
