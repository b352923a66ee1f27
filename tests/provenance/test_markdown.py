"""A value in a card stays a value, whatever it holds."""

from typing import Any

from huggingface_hub import RepoCard
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from pipeline_dsl.provenance.cards.markdown import code, front_matter, plain, table, text

MARK = MarkdownIt("commonmark").enable("table")
HOSTILE = st.text(st.sampled_from("`*_[]()<>|&\\#!~-+=:/.@$\n\r\t a1\u202e\x00é'\"{}") | st.characters(), max_size=40)


def inline(markdown: str) -> list[tuple[str, str]]:
    """(type, content) of everything in the one paragraph of a text."""
    blocks = MARK.parse(markdown)
    assert [block.type for block in blocks] in (["paragraph_open", "inline", "paragraph_close"], []), blocks
    return [(child.type, child.content) for block in blocks for child in block.children or []]


@given(HOSTILE)
def test_text_is_nothing_but_text(value: str) -> None:
    found = inline(f"said: {text(value)}.")
    assert {kind for kind, _ in found} <= {"text"}
    assert "".join(content for _, content in found) == f"said: {plain(value)}."


@given(HOSTILE)
def test_code_is_one_code_span_with_the_value_in_it(value: str) -> None:
    shown = plain(value)
    found = inline(f"said: {code(value)}.")
    if not shown:
        assert [kind for kind, _ in found] == ["text"]
    else:
        assert [kind for kind, _ in found] == ["text", "code_inline", "text"]
        assert found[1][1] == shown


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=4))
def test_a_table_has_the_rows_and_cells_that_it_was_given(rows: list[tuple[str, str]]) -> None:
    blocks = MARK.parse("\n".join(table(("one", "two"), [(text(one) or "x", code(two)) for one, two in rows])))
    cells = [block for block in blocks if block.type == "td_open"]
    assert (len([block for block in blocks if block.type == "tr_open"]), len(cells)) == (len(rows) + 1, 2 * len(rows))
    assert {child.type for block in blocks for child in block.children or []} <= {"text", "code_inline"}


@given(HOSTILE)
def test_text_holds_no_address_that_becomes_a_link_by_itself(value: str) -> None:
    shown = text(f"see https://example.org/{value} or www.example.org, me@example.org #12 @me")
    assert not any(sign in shown for sign in ("://", "www.", "@"))


@given(st.dictionaries(st.text("abc", min_size=1), HOSTILE.filter(plain) | st.lists(HOSTILE, min_size=1), max_size=3))
def test_front_matter_is_what_huggingface_hub_reads_back(data: dict[str, Any]) -> None:
    card = RepoCard("\n".join([*front_matter({**data, "license": "mit"}), "# Title"]))
    assert card.text.strip() == "# Title"
    said = {key: plain(value) if isinstance(value, str) else [plain(item) for item in value] for key, value in data.items()}
    assert card.data.to_dict() == {**said, "license": "mit"}


def test_a_long_value_is_cut_and_says_how_long_it_is() -> None:
    assert code("x" * 1000) == f"`{'x' * 240}... (1000 characters)`"
