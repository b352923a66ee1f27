"""Kubernetes objects as YAML: whatever a value holds, every reader gets it back."""

from typing import Any

import yaml
from hypothesis import given, strategies as some

from pipeline_dsl.backends.k8s.spelling import embedded, manifest

TEXTS = some.text(
    alphabet=some.sampled_from("\n\n\n \t:#-|>'\"{}[]&*%@!?\\$()\r\x85\u2028a1é") | some.characters(exclude_categories=["Cs"])
)
VALUES: some.SearchStrategy[Any] = some.recursive(
    TEXTS, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


@given(VALUES)
def test_objects_come_back_as_they_were(value: Any) -> None:
    written = manifest([{"first": value}, {"second": [value]}])

    for reader in (yaml.SafeLoader, yaml.CSafeLoader):  # PyYAML's own, and libyaml
        assert list(yaml.load_all(written, reader)) == [{"first": value}, {"second": [value]}]
    assert yaml.safe_load(embedded({"inner": value})) == {"inner": value}


def test_text_of_several_lines_is_written_as_it_reads() -> None:
    assert manifest([{"run": "one\n  two\n"}]) == "---\nrun: |\n  one\n    two\n"
