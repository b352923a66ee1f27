"""Where the stages of a manifest run."""

import difflib
import re
from typing import Any

import attrs

from pipeline_dsl.compiler.review.report import Report
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.device import CPU_CORE, DEVICES, Device
from pipeline_dsl.lang.hardware import Hardware


def hardware(report: Report, said: Tree | None, ran: Tree | None, default: Hardware | None = None) -> Hardware:
    """What a manifest says of where something runs, or else where it ran, or else `default`."""
    if said is not None and said.value is not None:
        return _described(report, said) or Hardware(device=CPU_CORE)
    match = _RAN(ran.value) if ran is not None and isinstance(ran.value, str) else None
    if match and match["device"] in DEVICES:
        return Hardware(device=DEVICES[match["device"]], count=int(match["count"]))
    return default or Hardware(device=CPU_CORE)


def _described(report: Report, said: Tree) -> Hardware | None:
    if not isinstance(said.value, dict):
        report.unusable("`on` is a mapping", said, "write `on: {device: H100-SXM, count: 8, nodes: 2}`")
        return None
    device = said.items.get("device")
    known = _catalogued(report, device, said) if device is None or not isinstance(device.value, dict) else _own_device(report, device)
    given = _figures(report, said, Hardware, "on")
    return None if known is None or given is None else Hardware(device=known, **given)


def _catalogued(report: Report, device: Tree | None, said: Tree) -> Device | None:
    found = DEVICES.get(device.value) if device is not None and isinstance(device.value, str) else None
    if found is None:
        name = device.text or "" if device is not None else ""
        near = difflib.get_close_matches(name, DEVICES, n=1)
        help = f"did you mean {near[0]}?" if near else f"the catalogue has {', '.join(DEVICES)}"
        report.unusable(f"no device is called {name!r:.80}" if device else "`on` names no device", device or said, help)
    return found


def _own_device(report: Report, said: Tree) -> Device | None:
    """A device that the catalogue does not have, as the manifest describes it."""
    given = _figures(report, said, Device, "a device")
    texts = {name: said.items[name].text or "" for name in ("name", "price_date", "price_source") if name in said.items}
    missing = {"name", "bf16", "memory"} - {*texts, *(given or ())}
    if missing:
        report.unusable(
            f"this device does not say its {', '.join(sorted(missing))}", said, "describe it in full, or name one of the catalogue"
        )
    if given is None or missing:
        return None
    whole: dict[str, Any] = {"price": None, "price_date": "", "price_source": "", **given, **texts}
    return Device(**whole)


def _figures(report: Report, said: Tree, cls: type[Any], what: str) -> dict[str, Any] | None:
    """The numbers of a description; None if one of them is none."""
    names = [field.name for field in attrs.fields(cls)]
    report.unknown(said, names, what)
    given: dict[str, Any] = {}
    for name, tree in said.items.items():
        if name in ("device", "name", "price_date", "price_source") or name not in names:
            continue
        whole = name in ("count", "nodes", "domain", "memory")
        value: Any = tuple(tree.plain) if name == "price_range" and isinstance(tree.value, list) else tree.value
        numeric = isinstance(value, int if whole else int | float) and (not isinstance(value, bool) or name == "accelerator")
        if value is not None and not (numeric or name == "price_range"):
            report.unusable(f"`{name}` is {'a whole number' if whole else 'a number'}, not {tree.text or tree.plain!s:.40}", tree)
            return None
        given[name] = value
    return {name: value for name, value in given.items() if value is not None or name == "price"}


_RAN = re.compile(r"(?P<count>[1-9]\d{0,6}) x (?P<device>[\w-]+)(?: \(.*\))?").fullmatch
