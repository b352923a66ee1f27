"""Where a stage runs, and what an hour there costs."""

import attrs

from pipeline_dsl.base.units import Usd
from pipeline_dsl.lang.device import Device


@attrs.frozen(kw_only=True)
class Hardware:
    """Where a stage runs: `nodes` machines with `count` devices each.

    `mfu` is the share of the peak that model FLOPs reach (Chowdhery et al., 2022, arXiv:2204.02311, section 4.1); without
    one, a range that published runs fall into is assumed. `price` replaces the catalogue's.
    """

    device: Device
    count: int = 1
    nodes: int = 1
    mfu: float | None = None
    price: Usd | float | None = None

    @property
    def devices(self) -> int:
        """Devices in all."""
        return self.count * self.nodes

    @property
    def hourly(self) -> float | None:
        """USD for an hour of one device; None if nobody said."""
        return self.device.price if self.price is None else self.price

    @property
    def mfu_range(self) -> tuple[float, float, float]:
        """(low, point, high) of the share of peak that is reached."""
        if self.mfu is not None:
            return 0.9 * self.mfu, self.mfu, min(1.0, 1.1 * self.mfu)
        return 0.25, 0.38, 0.52

    def cost(self, seconds: float) -> Usd | None:
        """What holding all devices for so long costs; None if the price is unknown."""
        return None if self.hourly is None else Usd(self.hourly * self.devices * seconds / 3600)
