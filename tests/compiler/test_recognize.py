"""A file's text tells whether it declares a pipeline: nothing is imported to find out."""

from pathlib import Path

import pytest

from pipeline_dsl.compiler.recognize import declares_pipeline
from tests.command import ROOT


@pytest.mark.parametrize(
    "text",
    [
        "from pipeline_dsl import Pipeline\npipeline = Pipeline(name='p', targets=[])\n",
        "from pipeline_dsl import *\nwhatever = Pipeline(name='p', targets=[])\n",
        "import pipeline_dsl as pd\npd.Pipeline(name='p', targets=[])\n",
        "import pipeline_dsl.lang.pipeline\nfrom ours import ship\npipeline = ship()\n",
        "from pipeline_dsl import Pipeline\nif True:\n    pipeline = Pipeline(name='p', targets=[])\n",
        "from pipeline_dsl import Pipeline\ntry:\n    pass\nexcept OSError:\n    x: Pipeline = Pipeline(name='p', targets=[])\n",
        "from pipeline_dsl import Pipeline\npipeline = Pipeline(name='p', targets=[\n",
    ],
)
def test_it_declares_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(text)

    assert declares_pipeline(str(tmp_path / "some.py"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os\n",
        "from sklearn.pipeline import Pipeline\npipeline = Pipeline([])\n",
        "# as pipeline_dsl does\nfrom sklearn.pipeline import Pipeline\npipeline = Pipeline([])\n",
        "from pipeline_dsl import Stage\n\n\nclass Own(Stage):\n    pass\n",
        "from pipeline_dsl import Pipeline\n\n\ndef make():\n    return Pipeline(name='p', targets=[])\n",
        "from pipeline_dsl.compiler.compile import compile_target\n\nfor file in []:\n    compile_target(file)\n",
        "print 'not even Python 3'\n",
    ],
)
def test_it_declares_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(text)

    assert not declares_pipeline(str(tmp_path / "some.py"))


def test_every_right_pipeline_is_recognized() -> None:
    files = [*(ROOT / "tests" / "good").glob("[a-z]*.py"), ROOT / "pipelines" / "tiny.py", ROOT / "pipelines" / "llama_7b.py"]

    assert [file.name for file in files if not declares_pipeline(str(file))] == []


def test_no_stage_type_of_ours_is_taken_for_a_pipeline() -> None:
    assert [file.name for file in (ROOT / "pipeline_dsl" / "stages").rglob("*.py") if declares_pipeline(str(file))] == []


def test_a_file_that_is_not_there_is_left_to_who_says_so(tmp_path: Path) -> None:
    assert declares_pipeline(str(tmp_path / "absent.py"))
