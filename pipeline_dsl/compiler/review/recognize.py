"""Whether a file is a manifest, told from its text: YAML has many uses."""

import re

_VERSION = re.compile(rb"^[\"']?manifest_version[\"']?\s*:", re.MULTILINE).search
_STAGES = re.compile(rb"^stages\s*:", re.MULTILINE).search
_OURS = re.compile(rb"^(?:pipeline_version|gates|pipeline)\s*:", re.MULTILINE).search


def is_manifest(raw: bytes) -> bool:
    """Whether a text says that it is a manifest, or is one in the short spelling."""
    return bool(_VERSION(raw) or (_STAGES(raw) and _OURS(raw)))
