"""Digests of files, whole and in pieces."""

import pytest
from hypothesis import given, settings, strategies as st

from pipeline_dsl.base import digest as digests
from pipeline_dsl.base.digest import Hasher, digest_file


@settings(max_examples=60)
@given(data=st.binary(max_size=5000), cut=st.integers(1, 2000), shard=st.integers(1, 1500))
def test_bytes_in_pieces_have_the_digest_of_the_file_that_they_are(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, shard: int
) -> None:
    file = tmp_path_factory.mktemp("h") / "f"
    file.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "SHARD", shard)
        hasher = Hasher(len(data))
        for start in range(0, len(data), cut):
            hasher.update(data[start : start + cut])
        assert hasher.digest() == digest_file(file)
