"""What a licence forbids, by its identifier."""

import pytest

from pipeline_dsl.lang.licence import forbids


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "Apache-2.0",
        "CC-BY-4.0",
        "CC0-1.0",
        "ODC-By-1.0",
        "CC-BY-SA-4.0",
        "GPL-3.0-or-later WITH Bison-exception-2.2",
        "NCSA",
        "MIT-0",
    ],
)
def test_a_free_licence_forbids_nothing(licence: str) -> None:
    assert forbids(licence) == set()


@pytest.mark.parametrize(
    ("licence", "terms"),
    [
        ("CC-BY-NC-4.0", {"non-commercial"}),
        ("cc-by-nc-4.0", {"non-commercial"}),
        ("CC-BY-ND-4.0", {"no-derivatives"}),
        ("CC-BY-NC-SA-4.0", {"non-commercial"}),
        ("CC-BY-NC-ND-3.0-IGO", {"non-commercial", "no-derivatives"}),
        ("PolyForm-Noncommercial-1.0.0", {"non-commercial"}),
        ("Prosperity-3.0.0", {"non-commercial"}),
        ("LicenseRef-LLaMA-1", {"non-commercial"}),
        ("LicenseRef-OPT-175B", {"non-commercial"}),
        ("LicenseRef-Mistral-AI-Non-Production", {"non-commercial"}),
        ("LicenseRef-qwen-research", {"non-commercial"}),
        ("LicenseRef-OpenAI-terms", {"no-competing"}),
        ("NOASSERTION", {"unknown"}),
        ("LicenseRef-from-the-web", {"unknown"}),
    ],
)
def test_a_restricted_licence_says_what_it_forbids(licence: str, terms: set[str]) -> None:
    assert forbids(licence) == terms


@pytest.mark.parametrize(
    "licence",
    ["LicenseRef-ours", "LicenseRef-internal-2024", "LicenseRef-Llama-2", "LicenseRef-llama3.1", "LicenseRef-Gemma", "LicenseRef-WordNet"],
)
def test_what_is_ours_and_the_open_model_licences_are_known(licence: str) -> None:
    assert forbids(licence) == set()


@pytest.mark.parametrize(
    ("licence", "terms"),
    [
        ("MIT OR CC-BY-NC-4.0", set[str]()),
        ("MIT AND CC-BY-NC-4.0", {"non-commercial"}),
        ("CC-BY-NC-4.0 AND (MIT OR CC-BY-ND-4.0)", {"non-commercial"}),
        ("(CC-BY-NC-4.0 AND CC-BY-ND-4.0) OR CC-BY-NC-4.0", {"non-commercial"}),
        ("mit and cc-by-nd-4.0", {"no-derivatives"}),
    ],
)
def test_an_expression_forbids_what_its_freest_choice_does(licence: str, terms: set[str]) -> None:
    assert forbids(licence) == terms


@pytest.mark.parametrize(
    ("licence", "terms"), [("CC BY-NC 4.0", {"non-commercial"}), ("", set[str]()), ("(", set[str]()), ("MIT AND", set[str]())]
)
def test_a_text_that_is_no_expression_is_read_as_one_name(licence: str, terms: set[str]) -> None:
    assert forbids(licence) == terms
