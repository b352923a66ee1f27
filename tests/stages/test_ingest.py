"""Published files become clean documents, and what was dropped is counted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.artifacts import Source
from pipeline_dsl.stages import GOPHER, Ingest, Words
from pipeline_dsl.stages.cleaning.checksums import iban, luhn
from pipeline_dsl.stages.cleaning.page import Page
from pipeline_dsl.stages.cleaning.personal import redact
from pipeline_dsl.stages.cleaning.pieces import pieces
from pipeline_dsl.stages.cleaning.quality import Bullets, Ellipses, Letters, StopWords, Symbols, WordLength
from pipeline_dsl.stages.cleaning.repetition import (
    RepeatedLines,
    RepeatedParagraphs,
    RepeatedPhrases,
    TopPhrases,
    covered_by_repeats,
)
from pipeline_dsl.stages.ingest import Filter
from tests.stages.prose import paragraph, records, texts
from tests.stages.workbench import Workbench, declared, messages, revived

pytestmark = pytest.mark.stages


def ingest(tmp_path: Path, published: dict[str, str | bytes], **fields: object) -> tuple[Workbench, Ingest]:
    """The stage, run on one source with these files; without filters unless some are given."""
    bench = Workbench(tmp_path)
    source = bench.give(Source(origin="npm:letters@1.0.0", licence="CC0-1.0", digest="sha256:0"), published)
    stage = Ingest(sources=(source,), **{"filters": (), **fields})  # pyright: ignore[reportArgumentType]
    bench.run(stage)
    return bench, stage


def test_text_html_and_json_lines_are_read(tmp_path: Path) -> None:
    html = "<html><head><title>t</title><script>var x;</script></head><body><p>Said in a page.</p></body></html>"
    bench, stage = ingest(tmp_path, {"a.txt": "Said in a file.", "b.html": html, "c.jsonl": '{"text": "Said in a line."}\n'})

    assert texts(bench, stage) == ["Said in a file.", "Said in a page.", "Said in a line."]


def test_a_document_carries_its_source_and_licence(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"data/a.txt": "Something said."})

    (record,) = records(bench, stage)
    assert (record["source"], record["licence"], record["path"]) == ("npm:letters@1.0.0", "CC0-1.0", "data/a.txt")
    assert bench.meta(stage).licences == ("CC0-1.0",)


def test_a_document_is_named_by_its_text_wherever_it_lies(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"a.txt": "Said twice.", "b.txt": "Said twice.  \r\n", "c.txt": "Said once."})

    first, second, third = (record["id"] for record in records(bench, stage))
    assert first == second != third


def test_licence_files_are_not_learnt_from(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"LICENSE.txt": "Do what you like.", "a.txt": "Something said."})

    assert texts(bench, stage) == ["Something said."]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("naïve café".encode(), "naïve café"),
        ("naïve café".encode("utf-8-sig"), "naïve café"),
        ("naïve café, déjà vu, garçon, où êtes-vous".encode("windows-1252"), "naïve café, déjà vu, garçon, où êtes-vous"),
        ("The fianc\u00c3\u00a9e\u00e2\u20ac\u2122s letter".encode(), "The fianc\u00e9e\u2019s letter"),
        ("cafe\u0301".encode(), "caf\u00e9"),
        (b"one\r\ntwo\rthree\x00\x07", "one\ntwo\nthree"),
    ],
)
def test_encodings_are_repaired(tmp_path: Path, data: bytes, text: str) -> None:
    bench, stage = ingest(tmp_path, {"a.txt": data})

    assert texts(bench, stage) == [text]


def test_typography_is_left_alone(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"a.txt": "“So,” she said… ﬁnally — ｆｕｌｌ"})

    assert texts(bench, stage) == ["“So,” she said… ﬁnally — ｆｕｌｌ"]


def test_a_lone_surrogate_in_json_does_not_stop_the_stage(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"a.jsonl": '{"text": "broken \\ud83d here"}\n'}, repair=False)

    assert texts(bench, stage) == ["broken \ufffd here"]


@pytest.mark.parametrize("line", ["{not json", '{"body": "x"}', "[1]", '{"text": 5}'])
def test_a_line_without_text_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(StageFailed, match=r"`a.jsonl`, line 2"):
        ingest(tmp_path, {"a.jsonl": f'{{"text": "fine"}}\n{line}\n'})


def test_a_suffix_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"nothing reads `a.pdf`"):
        ingest(tmp_path, {"a.pdf": b"%PDF"}, files=("*.pdf",))


def test_a_source_without_a_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"no file of npm:letters@1.0.0"):
        ingest(tmp_path, {"a.bin": b"0"})


def test_navigation_is_not_part_of_a_page(tmp_path: Path) -> None:
    page = f"<html><body><nav><a href='/'>Home</a> <a href='/x'>Archive</a></nav><main><p>{paragraph(1)}</p></main></body></html>"
    bench, stage = ingest(tmp_path, {"a.html": page})

    assert texts(bench, stage) == [paragraph(1)]


def test_nothing_left_is_a_failure_that_tells_the_counts(tmp_path: Path) -> None:
    with pytest.raises(StageFailed) as caught:
        ingest(tmp_path, {"a.txt": "Too short."}, filters=(Words(low=50),))

    assert "ingest.dropped.words 1" in caught.value.help


def test_what_each_filter_dropped_is_counted(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.txt": PROSE,
        "b.txt": "Too short to be of use.",
        "c.txt": " ".join(["17 4.5 88"] * 40 + ["the and of"]),
        "d.txt": "\n".join([PROSE.replace("\n", " ")] * 4),
        "e.txt": " \n ",
    }
    bench, stage = ingest(tmp_path, files, filters=GOPHER)

    dropped = {name: count for name, count in bench.meta(stage).counts.items() if "dropped" in name}
    assert dropped == {
        "ingest.dropped.words": 1,
        "ingest.dropped.word_length": 1,
        "ingest.dropped.repeated_lines": 1,
        "ingest.dropped.empty": 1,
    }


PROSE = """When the ferry was late, as it was most mornings, the children climbed the sea wall and counted gulls. Nobody minded.
The schoolmaster, who lived across the sound and came by the same boat, had long ago given up beginning lessons at eight; he arrived
with wet shoes and a bag of chalk, apologized to no one in particular, and opened the window that would not stay open. What they
learnt in those short days they remembered: how tides are reckoned, why salt keeps meat, and that a promise made aloud is harder to
break than one made quietly."""


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (Words(), "word " * 49),
        (Words(high=200), "word " * 201),
        (WordLength(), "a b c d " * 20),
        (WordLength(), "incomprehensibilities " * 60),
        (Symbols(), "read #this and #that " * 20),
        (Symbols(), "and so on ... " * 20),
        (Bullets(), "\n".join(["- milk and honey"] * 20)),
        (Ellipses(), "\n".join(["read more about it..."] * 4 + ["said he"] * 6)),
        (Letters(), "in 1934 there were 500 of 700 or 12 %"),
        (StopWords(), "lorem ipsum dolor sit amet"),
        (RepeatedLines(), "\n".join(["one line", "one line", "one line", "another one"])),
        (RepeatedLines(), "short\n" * 1 + "a\nb\nc\nd\ne\n" + "a very long line that is there two times\n" * 2),
        (RepeatedParagraphs(), "\n\n".join(["one paragraph"] * 3 + ["another"])),
        (TopPhrases(), "buy now " * 30 + PROSE),
        (RepeatedPhrases(), " ".join([paragraph(6)] * 2)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_rule_drops_what_it_is_for_and_keeps_prose(rule: Filter, bad: str) -> None:
    assert rule.keeps(Page(PROSE))
    assert not rule.keeps(Page(bad))


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(1, 8))
def test_longer_repeated_phrases_cover_no_more(words: list[str], size: int) -> None:
    assert covered_by_repeats(words, size + 1) <= covered_by_repeats(words, size)


@given(st.lists(st.sampled_from("ab"), max_size=80))
def test_stopping_early_changes_no_verdict(words: list[str]) -> None:
    rule = RepeatedPhrases(shares=(0.5, 0.3, 0.4))

    every = all(covered_by_repeats(words, size) <= share for size, share in enumerate(rule.shares, 5))
    assert rule.keeps(Page(" ".join(words))) is every


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to jane.doe+x@mail.example.co.uk.", "write to [EMAIL]."),
        ("card 4111 1111 1111 1111 or 5500-0000-0000-0004", "card [CARD] or [CARD]"),
        ("card 378282246310005,", "card [CARD],"),
        ("her number 219-09-9999.", "her number [SSN]."),
        ("call +44 20 7946 0958 or (212) 555-0147 or 212-555-0147", "call [PHONE] or [PHONE] or [PHONE]"),
        ("from 93.184.216.34, and 10.0.0.1:8080", "from [IPV4], and [IPV4]:8080"),
        ("at 2606:2800:220:1:248:1893:25c8:1946 today", "at [IPV6] today"),
        ("at [fe80::1ff:fe23:4567:890a]:80", "at [[IPV6]]:80"),
        ("to DE89 3704 0044 0532 0130 00 please", "to [IBAN] please"),
        ("to GB29NWBK60161331926819.", "to [IBAN]."),
    ],
)
def test_personal_data_is_redacted(text: str, redacted: str) -> None:
    assert redact(text)[0] == redacted


@pytest.mark.parametrize(
    "text",
    [
        "a card without its check digit 4111 1111 1111 1112",
        "an order 1234 5678 9012 3452",
        "no such area 000-12-3456, 666-12-3456 or 912-12-3456",
        "an IBAN mistyped DE89 3704 0044 0532 0130 01",
        "version 3.11.7 and chapter 1.2.3.400",
        "at 12:30:15 on 2024-05-06, 1,234,567,890 people",
        "a range 1990-1995, a ratio 3:4, a time 10::, C++::operator",
        "the loopback 127.0.0.1 and ::1",
        "user@localhost and @handle and a @ b.com",
        "in the years 1913, 1914, 1915, 1916 and 1917",
        "$12,500,000,000 for 1936-1937",
        "between +3.14000000 and -2.71828182",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert redact(text)[0] == text


@given(st.text("0123456789", min_size=12, max_size=18))
def test_one_digit_of_ten_makes_a_luhn_number(digits: str) -> None:
    assert sum(luhn(digits + last) for last in "0123456789") == 1


@given(st.integers(0, 33), st.sampled_from("0123456789"))
def test_a_mistyped_digit_is_no_iban(place: int, digit: str) -> None:
    good = "NL91ABNA0417164300"
    place = 8 + place % (len(good) - 8)

    assert iban(good)
    assert iban(good[:place] + digit + good[place + 1 :]) == (good[place] == digit)


def test_redactions_are_counted_and_only_the_kinds_asked_for(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"a.txt": "a@b.com, c@d.com and 93.184.216.34"}, redact=("email",))

    assert texts(bench, stage) == ["[EMAIL], [EMAIL] and 93.184.216.34"]
    assert bench.meta(stage).counts["ingest.redacted.email"] == 2


@given(st.text(st.sampled_from("ab .\n\"'é"), max_size=300), st.integers(1, 40))
def test_pieces_lose_nothing_but_blanks_and_none_is_too_long(text: str, longest: int) -> None:
    found = list(pieces(text, longest))

    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(piece) <= longest for piece in found)


def test_prose_is_cut_between_sentences() -> None:
    assert all(piece.endswith(".") for piece in pieces(paragraph(3, 40), 400))


def test_the_pieces_of_a_document_are_one_group(tmp_path: Path) -> None:
    bench, stage = ingest(tmp_path, {"a.txt": paragraph(1, 40), "b.txt": paragraph(2, 40)}, piece=500)

    groups = {
        record["path"]: {other["group"] for other in records(bench, stage) if other["path"] == record["path"]}
        for record in records(bench, stage)
    }
    assert [len(found) for found in groups.values()] == [1, 1]
    assert groups["a.txt"] != groups["b.txt"]


def test_other_languages_are_dropped(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.txt": "The harvest was poor that year, and many people left the village.",
        "b.txt": "Die Ernte war in jenem Jahr schlecht, und viele Leute verließen das Dorf.",
        "c.txt": "Cette année-là, la récolte fut mauvaise et beaucoup quittèrent le village.",
    }
    bench, stage = ingest(tmp_path, files, languages=("en", "fr"))

    assert [record["path"] for record in records(bench, stage)] == ["a.txt", "c.txt"]
    assert bench.meta(stage).counts["ingest.dropped.language"] == 1


def test_a_declaration_survives_the_plan(tmp_path: Path) -> None:
    source = Workbench(tmp_path).give(Source(origin="o", licence="MIT", digest="d"), {"a": b""})
    stage = Ingest(sources=(source,), filters=(Words(low=3), *GOPHER[1:]), languages=("en",), piece=100)

    assert revived(stage) == declared(stage)


def test_a_declaration_that_makes_no_sense_is_a_problem(tmp_path: Path) -> None:
    stage = Ingest(sources=(), languages=("English",), filters=(Words(low=9, high=3),))

    assert all(part in messages(stage) for part in ("nothing to read", "ISO 639-1", "Words keeps nothing"))


def test_six_thousand_documents_take_no_more_memory_than_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": paragraph(seed, 40)}) + "\n" for seed in range(6000)))
    script = """if True:
        import resource, sys
        from pathlib import Path
        from pipeline_dsl.lang.artifacts import Source
        from tests.stages.test_ingest import ingest
        folder = Path(sys.argv[1])
        few, many = (folder / "few"), (folder / "many")
        data = (folder / "a.jsonl").read_bytes()
        ingest(few, {"a.jsonl": data[: data.index(b"\\n") + 1]}, repair=False)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ingest(many, {"a.jsonl": data}, repair=False)
        print(len(data) // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    read, grown = map(int, done.stdout.split())
    assert read > 14_000
    assert grown < 2_000
