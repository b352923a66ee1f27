"""Arithmetic is counted as the papers count it."""

import doctest

import pytest

from pipeline_dsl.base import flops
from pipeline_dsl.base.units import Tokens

PUBLISHED = {
    "GPT-3 (arXiv:2005.14165, table D.1)": (174.6e9, 300e9, 3.14e23),
    "Chinchilla's budget (arXiv:2203.15556, table 3)": (67e9, 1.5e12, 5.76e23),
    "Llama 3 405B (arXiv:2407.21783, section 3.2)": (405e9, 15.6e12, 3.8e25),
    "OPT-175B (metaseq's logbook)": (175e9, 300e9, 3.15e23),
}


def test_the_examples_of_the_documentation_are_true() -> None:
    assert doctest.testmod(flops) == doctest.TestResults(failed=0, attempted=6)


@pytest.mark.parametrize("case", PUBLISHED)
def test_the_rule_of_thumb_is_what_papers_publish(case: str) -> None:
    parameters, tokens, published = PUBLISHED[case]

    assert flops.six_nd(parameters, Tokens(round(tokens))) == pytest.approx(published, rel=0.06)


def test_causal_attention_is_half_of_the_square() -> None:
    whole = 12 * 32 * 4096 * 4096  # 12 x layers x width x length a token and training step: PaLM, arXiv:2204.02311, appendix B

    counted = flops.training_flops(flops.forward_flops(0, 1, layers=32, attention_width=4096, length=4096))

    assert counted == whole / 2


def test_small_batches_are_bound_by_reading_the_weights() -> None:
    alone = flops.written_bytes(14e9, 100, at_once=1, cached=524_288, context=100)
    together = flops.written_bytes(14e9, 100, at_once=100, cached=524_288, context=100)

    assert alone == pytest.approx(100 * 14e9, rel=0.01)
    assert together < alone / 50
