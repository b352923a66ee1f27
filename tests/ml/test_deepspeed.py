"""DeepSpeed does what was asked, or says that it does not."""

import json
from pathlib import Path

import pytest

from pipeline_dsl.ml.launch import launch

pytestmark = pytest.mark.stages


def test_what_is_not_the_engine_that_was_asked_for_is_refused_and_nothing_is_compiled(tmp_path: Path) -> None:
    launch("tests.ml.targets:engines", {"folder": str(tmp_path)}, processes=2, folder=tmp_path)

    said = json.loads((tmp_path / "said.json").read_text())
    assert said["said"] == [
        "training would run on a Linear, not on DeepSpeed",
        "DeepSpeed runs ZeRO stage 1, not 2",
        "the group has 2 processes, not 3",
    ]
    assert said["batch"] == 2 * 2 * 3
    assert not list(tmp_path.glob("torch_extensions/**/*.so"))
