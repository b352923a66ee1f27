"""The libraries of signatures and attestations: imported when something is signed or checked, and named when they are absent."""

import importlib
from typing import Any

from pipeline_dsl.base.fault import Usage


def library(name: str) -> Any:
    """A module of the extra `provenance`.

    Raises: Usage, naming what to install.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Usage(f"signatures need `{error.name}`, which is not installed", help="pip install 'pdsl[provenance]'") from error
