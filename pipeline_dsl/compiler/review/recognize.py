"""Whether a file is a manifest or a saved plan, told from its text: YAML and JSON have many uses."""

import re

_PLAN = re.compile(rb'"content"\s*:\s*"sha256:').search
_PLANNED = re.compile(rb'"plan"\s*:\s*\{').search
_JSON = re.compile(rb"\s*\{").match
_STAGES_IN_JSON = re.compile(rb'"stages"\s*:\s*[\[{]').search
_OURS_IN_JSON = re.compile(rb'"(?:pipeline_version|gates|manifest_version)"\s*:').search
_VERSION = re.compile(rb"^[\"']?manifest_version[\"']?\s*:", re.MULTILINE).search
_STAGES = re.compile(rb"^stages\s*:", re.MULTILINE).search
_STEPS = re.compile(rb"^(?:steps|tasks|components|jobs|phases)\s*:", re.MULTILINE).search
_GATES = re.compile(rb"^gates\s*:", re.MULTILINE).search
_OURS = re.compile(rb"^(?:pipeline_version|gates|pipeline)\s*:", re.MULTILINE).search


def is_manifest(raw: bytes) -> bool:
    """Whether a text says that it is a manifest, or is one in the short spelling."""
    if _JSON(raw):
        return bool(_STAGES_IN_JSON(raw) and _OURS_IN_JSON(raw)) and not is_plan(raw)
    return bool(_VERSION(raw) or (_STAGES(raw) and _OURS(raw)) or (_STEPS(raw) and _GATES(raw)))


def is_plan(raw: bytes) -> bool:
    """Whether a text in JSON is a saved plan, whole or not."""
    return bool(_PLAN(raw) and _PLANNED(raw))
