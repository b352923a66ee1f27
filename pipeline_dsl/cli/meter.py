"""How far something is whose length is known in bytes, on standard error."""

import sys
import time

from pipeline_dsl.base.units import scaled

_EVERY = 10.0
_REDRAWN = 0.2


class Meter:
    """Says now and then how much is done: in place on a terminal, a line at a time elsewhere, nothing of what is done at once."""

    def __init__(self, what: str, total: int = 0, *, quiet: bool = False) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._began = self._said = time.monotonic()
        self._drawn = False

    def __call__(self, more: int) -> None:
        """So many more bytes are done."""
        self._done += more
        now = time.monotonic()
        if self._quiet or now - self._said < (_REDRAWN if self._terminal else _EVERY):
            return
        self._said = now
        of = f" of {scaled(self._total, 'B')}" if self._total else ""
        line = f"{self._what}: {scaled(self._done, 'B')}{of}, {scaled(self._done / (now - self._began), 'B')}/s"
        print(f"\r\x1b[K{line}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr, flush=True)
        self._drawn = self._terminal

    def close(self) -> None:
        """It is over; the terminal is left as lines."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
