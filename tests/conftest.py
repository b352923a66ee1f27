"""What every test may count on: no hub, one thread, and a reason beside each test that is left out."""

import importlib.util
import os

import hypothesis
import pytest
import setuptools as setuptools  # before any library imports distutils: afterwards it refuses to be imported in the same process

collect_ignore = ["faults", "good", "typing"]  # pipelines that tests read, whatever their names

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"

# A machine that does other work too makes any deadline a matter of luck.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

TRAINING = ("torch", "transformers", "trl", "deepspeed", "lm_eval", "llmcompressor", "datasketch", "ftfy", "resiliparse")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)  # one worker would else go on alone at the end
    absent = [name for name in TRAINING if importlib.util.find_spec(name) is None]
    for item in items:
        if absent and item.get_closest_marker("stages"):
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(absent)}; pip install 'pdsl[all]'"))
        if os.environ.get("PDSL_OFFLINE") and item.get_closest_marker("network"):
            item.add_marker(pytest.mark.skip(reason="PDSL_OFFLINE is set, and this test fetches pinned packages"))
