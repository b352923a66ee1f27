"""Units as types, so a signature says what a number is and its name need not."""

from typing import NewType

Flops = NewType("Flops", float)
"""Floating-point operations; a multiply-add is two."""
Tokens = NewType("Tokens", int)
Nats = NewType("Nats", float)
"""Natural-log units of divergence."""
Bytes = NewType("Bytes", int)
Seconds = NewType("Seconds", float)
Usd = NewType("Usd", float)
"""United States dollars."""


def scaled(value: float, unit: str = "") -> str:
    """`value` with three figures and an SI prefix: 1.2e15 -> `1.2 P`."""
    if value == 0:
        return f"0 {unit}".rstrip()
    if abs(value) >= 1e21:
        return f"{value:.3g} {unit}".rstrip()
    for power, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= power:
            return f"{value / power:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".rstrip()


def counted(number: int, noun: str, several: str = "") -> str:
    """A number with its noun: `1 stage`, `2 stages`."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def duration(seconds: float) -> str:
    """A length of time as a person says it: `4m 05s`, `2d 03h`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m {int(seconds % 60):02d}s"
    if seconds < 86400:
        return f"{int(seconds // 3600)}h {int(seconds % 3600 // 60):02d}m"
    return f"{int(seconds // 86400)}d {int(seconds % 86400 // 3600):02d}h"


def dollars(value: float | None) -> str:
    """An amount of money; an unknown one says so and is never zero."""
    if value is None:
        return "unknown"
    if value and abs(value) < 0.01:
        return f"${value:.1g}"
    return f"${value:,.2f}" if abs(value) < 1000 else f"${value:,.0f}"
