"""Lines of JSON, as every artifact of data keeps them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write(file: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line, and give their number."""
    lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows]
    with file.open("x", encoding="utf-8") as stream:
        stream.writelines(lines)
    return len(lines)
