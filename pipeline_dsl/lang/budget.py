"""What may be spent."""

import attrs

from pipeline_dsl.base.units import Nats, Usd


@attrs.frozen(kw_only=True)
class Budget:
    """Limits of a whole pipeline; None is no limit.

    `usd` bounds the estimate at compile time and the money left during a run. `kl` bounds, in nats a sequence, the sum of
    what alignment stages declare along any path. That sum is a budget and no bound on the final divergence, since KL does
    not add up: the final policy is measured against the first reference as well.
    """

    usd: Usd | float | None = None
    kl: Nats | float | None = None
