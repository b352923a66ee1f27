"""Where a stage runs, and what an hour there costs."""

import attrs

from pipeline_dsl.base.units import Usd
from pipeline_dsl.lang.device import Device


@attrs.frozen(kw_only=True)
class Hardware:
    """Where a stage runs: `nodes` machines with `count` devices each.

    `mfu` is the share of the peak that model FLOPs reach (Chowdhery et al., 2022, arXiv:2204.02311, section 4.1); without
    one, `lang/utilization.py` predicts it. `price` replaces the catalogue's.
    """

    device: Device
    count: int = 1
    nodes: int = 1
    mfu: float | None = None
    price: Usd | float | None = None
    host_memory: float | None = None
    """Bytes of one machine's own memory; None if unknown."""
    time_limit: float | None = None
    """Hours after which its queue ends a job; None if it never does, or nobody said."""

    @property
    def devices(self) -> int:
        """Devices in all."""
        return self.count * self.nodes

    @property
    def hourly(self) -> float | None:
        """USD for an hour of one device; None if nobody said."""
        return self.device.price if self.price is None else self.price

    def cost(self, seconds: float) -> Usd | None:
        """What holding all devices for so long costs; None if the price is unknown."""
        return None if self.hourly is None else Usd(self.hourly * self.devices * seconds / 3600)
