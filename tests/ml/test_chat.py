"""How a conversation is written, as transformers reads the template."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.ml import chat
from pipeline_dsl.stages import TrainTokenizer
from tests.stages.prose import corpus, paragraph
from tests.stages.workbench import Workbench

pytestmark = pytest.mark.stages

Turns = list[dict[str, str]]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    transformers: Any = pytest.importorskip("transformers")
    bench = Workbench(tmp_path_factory.mktemp("tokenizer"))
    stage = TrainTokenizer(corpora=(corpus(bench, *map(paragraph, range(20))),), vocabulary=400)
    bench.run(stage)
    return transformers.AutoTokenizer.from_pretrained(bench.path(stage))


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


CONVERSATION: Turns = [
    turn("system", "Be brief."),
    turn("user", "What is a plum? "),
    turn("assistant", "A fruit."),
    turn("user", "And a map?"),
    turn("assistant", "A picture of land."),
]


def test_a_conversation_is_written_with_its_roles_and_ends(tokenizer: Any) -> None:
    assert tokenizer.apply_chat_template(CONVERSATION, tokenize=False) == (
        "<bos><|system|>Be brief.<|user|>What is a plum? <|assistant|>A fruit.<eos><|user|>And a map?<|assistant|>A picture of land.<eos>"
    )


def test_a_prompt_for_an_answer_ends_with_the_role_that_answers(tokenizer: Any) -> None:
    written = tokenizer.apply_chat_template(CONVERSATION[:2], tokenize=False, add_generation_prompt=True)

    assert written == "<bos><|system|>Be brief.<|user|>What is a plum? <|assistant|>"


def test_only_what_the_assistant_says_and_its_end_is_learnt(tokenizer: Any) -> None:
    encoded = tokenizer.apply_chat_template(CONVERSATION, return_assistant_tokens_mask=True, return_dict=True)
    learnt = [token for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mask]

    assert tokenizer.decode(learnt) == "A fruit.<eos>A picture of land.<eos>"


def test_each_special_token_is_one_token_with_its_own_id(tokenizer: Any) -> None:
    assert tokenizer.convert_tokens_to_ids(list(chat.SPECIAL)) == list(range(6))
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (chat.PAD_ID, chat.BOS_ID, chat.EOS_ID)
    assert [tokenizer(token).input_ids for token in chat.SPECIAL] == [[number] for number in range(6)]


def test_the_prompt_is_how_the_whole_begins(tokenizer: Any) -> None:
    prompt = tokenizer.apply_chat_template(CONVERSATION[:4], add_generation_prompt=True, return_dict=True)["input_ids"]
    whole = tokenizer.apply_chat_template(CONVERSATION, return_dict=True)["input_ids"]

    assert whole[: len(prompt)] == prompt


def test_an_unknown_role_is_refused(tokenizer: Any) -> None:
    with pytest.raises(Exception, match="not from tool"):
        tokenizer.apply_chat_template([turn("tool", "x")], tokenize=False)


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "<" not in text))
def test_content_is_written_as_it_is(tokenizer: Any, content: str) -> None:
    written = tokenizer.apply_chat_template([turn("user", content)], tokenize=False)

    assert written == f"<bos><|user|>{content}"


def test_a_template_that_is_written_again_is_the_same(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)

    assert (tmp_path / "chat_template.jinja").read_text() == chat.TEMPLATE == tokenizer.chat_template
