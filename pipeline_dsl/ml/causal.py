"""Loading a model that predicts the next token, from an artifact's folder and nowhere else."""

from pathlib import Path
from typing import Any, Literal

from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.tensorrt_awq import is_packed, read_packed

Dtype = Literal["float32", "bfloat16"]


def load_causal(work: Workspace, directory: Path, dtype: Dtype = "float32") -> tuple[Any, Any]:
    """(model, tokenizer) of transformers, ready to be measured. It computes in float32; its weights are rounded to `dtype`.

    Rounding and computing are kept apart because a CPU without bfloat16 arithmetic takes ten times as long for it, and because
    what is asked is what the weights are worth. Packed weights are expanded. The same bytes and `dtype`
    give the same numbers on the same machine.
    """
    torch = work.library("torch")
    torch.set_num_threads(work.threads)
    transformers = work.library("transformers")
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if is_packed(directory):
        return read_packed(work, directory).eval(), tokenizer
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=getattr(torch, dtype), local_files_only=True)
    packed = getattr(model.config, "quantization_config", None) is not None
    return (model if packed else model.float()).eval(), tokenizer
