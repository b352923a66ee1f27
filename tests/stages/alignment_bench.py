"""A tiny model, and conversations, pairs and prompts about colours for it to be aligned on."""

import json
from typing import Any

from pipeline_dsl.lang.artifacts import Chats, Checkpoint, Preferences, Prompts, SftModel
from pipeline_dsl.lang.stage import Ref
from tests.stages.tiny_model import WORDS, library, model_folder
from tests.stages.workbench import Workbench

REFUSAL = "red red red"


def _lines(rows: list[dict[str, Any]]) -> dict[str, str | bytes]:
    return {"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}


def said(role: str, text: str) -> list[dict[str, str]]:
    """One message, as a list."""
    return [{"role": role, "content": text}]


def base(bench: Workbench) -> Ref[Checkpoint]:
    """A base model with random weights."""
    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in model_folder(hidden=64, ffn=128).iterdir()}
    return bench.give(Checkpoint(parameters=1, steps=1, tokens=1, validation_loss=6.0), files)  # pyright: ignore[reportArgumentType]


def sft_model(bench: Workbench) -> Ref[SftModel]:
    """The same weights, said to be fine-tuned."""
    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in model_folder(hidden=64, ffn=128).iterdir()}
    return bench.give(SftModel(parameters=1, recipe="full", examples=1, loss=1.0), files)


def chats(bench: Workbench, rows: int = 64) -> Ref[Chats]:
    """The answer is always the colour after the one that is asked about."""
    found = [
        {"messages": said("user", WORDS[n % 6]) + said("assistant", WORDS[(n + 1) % 6])} for n in range(rows)
    ]
    return bench.give(Chats(conversations=rows), _lines(found))


def pairs(bench: Workbench, rows: int = 64) -> Ref[Preferences]:
    """The next colour is preferred to the one after it."""
    found = [
        {
            "prompt": said("user", WORDS[n % 6]),
            "chosen": said("assistant", WORDS[(n + 1) % 6]),
            "rejected": said("assistant", WORDS[(n + 2) % 6]),
        }
        for n in range(rows)
    ]
    return bench.give(Preferences(pairs=rows), _lines(found))


def prompts(bench: Workbench, rows: int = 6) -> Ref[Prompts]:
    """Colours to answer to."""
    return bench.give(Prompts(prompts=rows), _lines([{"prompt": said("user", WORDS[n % 6])} for n in range(rows)]))


def loaded(bench: Workbench, ref: Ref[Any]) -> tuple[Any, Any]:
    """(model, tokenizer) of an artifact, as anybody would load them."""
    transformers = library("transformers")
    folder = bench.path(ref)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.float().eval(), transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def answer(model: Any, tokenizer: Any, question: str, tokens: int = 8) -> str:
    """What a model says to a question, greedily."""
    ids = tokenizer.apply_chat_template(said("user", question), add_generation_prompt=True, return_tensors="pt", return_dict=True)
    made = model.generate(**ids, max_new_tokens=tokens, do_sample=False)
    return str(tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)).strip()
