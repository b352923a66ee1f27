"""A small model with a tokenizer, made in the test: random weights, or a few steps of training on a rule, so that it knows something."""

import functools
import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

from pipeline_dsl.lang.artifacts import CausalModel, Chats, Corpus, EvalSuite, Prompts
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.ml import chat
from tests.stages.prose import paragraph
from tests.stages.workbench import Workbench

WORDS = ("red", "green", "blue", "white", "black", "brown")


def library(name: str) -> Any:
    """A library that is untyped, or as good as."""
    return importlib.import_module(name)


def _tokenizer(folder: Path) -> Any:
    tokenizers = library("tokenizers")
    transformers = library("transformers")

    bpe: Any = tokenizers.Tokenizer(tokenizers.models.BPE())
    level: Any = tokenizers.pre_tokenizers.ByteLevel
    bpe.pre_tokenizer, bpe.decoder = level(add_prefix_space=False), tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=512, special_tokens=list(chat.SPECIAL), initial_alphabet=level.alphabet(), show_progress=False
    )
    bpe.train_from_iterator([paragraph(seed) for seed in range(50)] + [" ".join(WORDS)] * 20, trainer)
    tokenizer: Any = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=chat.PAD, bos_token=chat.BOS, eos_token=chat.EOS, additional_special_tokens=list(chat.SPECIAL[3:])
    )
    tokenizer.chat_template = chat.TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


@functools.cache
def model_folder(hidden: int = 128, ffn: int = 256, steps: int = 0) -> Path:
    """A folder with a Llama of two layers that saw `steps` batches of prose; made once for all tests of a process."""
    torch = library("torch")
    transformers = library("transformers")

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp(prefix="tiny-model-"))
    tokenizer = _tokenizer(folder)
    config: Any = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.1,
    )
    model: Any = transformers.LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    ids: list[int] = tokenizer(" ".join(paragraph(seed) for seed in range(60)))["input_ids"]
    for step in range(steps):
        starts = [(step * 8 + row) * 61 % (len(ids) - 64) for row in range(8)]
        batch = torch.tensor([ids[start : start + 64] for start in starts])
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def give_model(bench: Workbench, **shape: int) -> Ref[CausalModel]:
    """The model as an input."""
    folder = model_folder(**shape)
    return bench.give(CausalModel(parameters=0), {file.name: file.read_bytes() for file in folder.iterdir()})


def choice_task(name: str, **more: Any) -> str:
    """A multiple-choice task file on `<name>.jsonl`."""
    return json.dumps(
        {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "{{answer}}",
            "target_delimiter": " ",
            "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")],
            **more,
        }
    )


def writing_task(name: str, pattern: str) -> str:
    """A task whose answers are written, and counted if they match `pattern`."""
    matched = {"function": "regex", "regex_pattern": f"({pattern})", "fallback": "none"}
    return json.dumps(
        {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{question}}",
            "doc_to_target": "none",
            "generation_kwargs": {"until": ["\n"], "do_sample": False, "max_gen_toks": 6},
            "filter_list": [{"name": "written", "filter": [matched, {"function": "take_first"}]}],
            "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        }
    )


def questions(count: int = 20) -> list[dict[str, Any]]:
    """Questions with choices of several lengths, the right one in a different place each time."""
    rows: list[dict[str, Any]] = []
    for seed in range(count):
        words = paragraph(seed, 1).split()
        choices = [" ".join(paragraph(seed + 100 + other, 1).split()[: 1 + (seed + other) % 4]) for other in range(3)]
        choices.insert(seed % 4, " ".join(words[4:7]))
        rows.append({"question": " ".join(words[:4]), "choices": choices, "answer": seed % 4})
    return rows


def lines(rows: list[dict[str, Any]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def give_suite(bench: Workbench, count: int = 20, **files: str) -> Ref[EvalSuite]:
    """A suite with the tasks `colours`, `chats` and `writing`; `files` replaces or adds task files by name."""
    rows = questions(count)
    tasks = {
        "colours": choice_task("colours"),
        "chats": choice_task("chats", target_delimiter=""),
        "writing": writing_task("writing", "a"),
    } | files
    documents: dict[str, str | bytes] = {f"{name}.jsonl": lines(rows) for name in ("colours", "chats", "writing")}
    yaml: dict[str, str | bytes] = {f"{name}.yaml": text for name, text in tasks.items()}
    return bench.give(EvalSuite(tasks=tuple(tasks), examples={}), yaml | documents)


def give_chats(bench: Workbench, count: int = 40) -> Ref[Chats]:
    """Conversations of one question and one answer."""
    rows = [
        {"messages": [{"role": "user", "content": paragraph(seed, 1)}, {"role": "assistant", "content": paragraph(seed + 1, 1)}]}
        for seed in range(count)
    ]
    return bench.give(Chats(conversations=count), {"chats.jsonl": lines(rows)})


def give_corpus(bench: Workbench, count: int = 20) -> Ref[Corpus]:
    """Documents of some sentences."""
    rows = [{"id": str(seed), "text": paragraph(seed)} for seed in range(count)]
    return bench.give(Corpus(documents=count, characters=0), {"documents.jsonl": lines(rows)})


def give_prompts(bench: Workbench, count: int = 6) -> Ref[Prompts]:
    """Questions without answers."""
    rows = [{"prompt": [{"role": "user", "content": paragraph(seed, 1)}]} for seed in range(count)]
    return bench.give(Prompts(prompts=count), {"prompts.jsonl": lines(rows)})
