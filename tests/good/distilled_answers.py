"""A large model answers, a small one learns from it, and what users said is anonymized before it is mixed in.

Source: Tunstall et al. (2023), arXiv:2310.16944, section 3.1, with answers of Llama 3.1 70B in place of a competitor's; asked in
four languages as in Shi et al. (2022), arXiv:2210.03057.
"""

from collections.abc import Collection
from typing import Literal

from _published import Harness, HubInstruct, HubModel, HubPrompts, commit

from pipeline_dsl import (
    H100,
    CausalModel,
    Chats,
    Hardware,
    Llama,
    Pipeline,
    Positive,
    Prompts,
    Ref,
    Size,
    Sizes,
    Stage,
    Workspace,
    metric,
)
from pipeline_dsl.stages import Evaluate, Sft, Task

LANGUAGES = ("de", "fr", "ja", "sw")


class Answers(Stage[Chats]):
    """What a model answers."""

    model: Ref[CausalModel]
    prompts: Ref[Prompts]
    temperature: Positive = 0.7

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.prompts]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Said(Stage[Chats]):
    """What users said to us."""

    month: str
    licences: tuple[str, ...] = ("LicenseRef-ours",)
    personal: bool = True

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=40_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Anonymize(Stage[Chats]):
    """Take people out."""

    chats: tuple[Ref[Chats], ...]

    def clears(self) -> Collection[Literal["personal"]]:
        return {"personal"}

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=120_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


node = Hardware(device=H100, count=8)
shape = Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=128_256, context=131_072)
large = Llama(hidden=8192, layers=80, heads=64, kv_heads=8, ffn=28_672, vocabulary=128_256, context=131_072)
teacher = HubInstruct(repository="meta-llama/Llama-3.1-70B-Instruct", revision=commit("1"), licence="LicenseRef-llama3.1", model=large)
student = HubModel(repository="meta-llama/Llama-3.1-8B", revision=commit("2"), licence="LicenseRef-llama3.1", model=shape)
asked = HubPrompts(repository="allenai/tulu-3-sft-prompts", revision=commit("3"), licence="ODC-By-1.0", examples=200_000)
said = Anonymize(chats=tuple(Said(month=f"2026-{month:02}") for month in (1, 2, 3)))


class Mixed(Stage[Chats]):
    """Several sets of conversations as one."""

    parts: tuple[Ref[Chats], ...]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=320_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


sft = Sft(
    base=student,
    data=Mixed(parts=(Answers(model=teacher, prompts=asked), said)),
    epochs=2,
    batch=128,
    micro_batch=1,
    learning_rate=1e-5,
    zero_stage=3,
    recompute="full",
    processes=8,
    max_length=2048,
    tokens_per_row=700,
    on=node,
)
mgsm = Harness(revision=commit("e"), tasks=tuple(f"mgsm_direct_{one}" for one in LANGUAGES), examples=4 * 250)
scores = Evaluate(
    model=sft,
    suite=mgsm,
    tasks=tuple(Task(name=f"mgsm_direct_{one}", source="exact_match,flexible-extract", shots=8, chat=True) for one in LANGUAGES),
    dtype="bfloat16",
    on=node,
)

pipeline = Pipeline(name="distilled", targets=[scores], gates=[metric(f"mgsm_direct_{one}") >= 20 for one in LANGUAGES], use="research")
