"""The smallest change under which a server's model fits: fewer requests at once, or more devices; and what such a change is."""

from collections.abc import Iterator

import attrs

from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.memory import Footprint, footprint, gigabytes
from pipeline_dsl.lang import device
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.placement import SHARING, ServingPlacement

REQUESTS = ("blocks", "concurrent", "max_num_seqs", "max_batch_size", "max_batch", "max_running_requests", "batch_size", "batch")
"""What servers call the requests, or the blocks of requests, whose keys and values they hold at once."""
_FEWEST = 4
"""Times fewer requests at once from which sharing the weights by more devices is the smaller change."""
_MOST_DOUBLINGS = 6


@attrs.frozen(eq=False)
class Remedy:
    """What to write instead, the first field that it changes, and what a device then holds."""

    code: str
    field: str
    fits: Footprint

    def __str__(self) -> str:
        return f"write {self.code}: then it takes {gigabytes(self.fits.total.likely)}, at most {gigabytes(self.fits.total.high)}"


def written(place: Hardware) -> str:
    """What a pipeline file calls the device: a name of the catalogue, or what its author calls it."""
    return next((name for name, known in vars(device).items() if known is place.device), "...")


def served_remedy(stage: AnyStage, placed: ServingPlacement, place: Hardware) -> Remedy | None:
    """16 bits for 32; or more devices, where a model is divided over them; or as many requests, or blocks of the cache, as there is room
    for, where the stage counts them; or more devices for the server's own field."""
    rows = placed.rows
    if getattr(stage, "dtype", None) == "float32" and placed.bits == 32 and place.device.bf16:
        fits = footprint(attrs.evolve(placed, bits=16.0, cache_bits=16.0), place)
        if fits.fits:
            return Remedy('`dtype="bfloat16"`', "dtype", fits)
    if placed.devices is None and (more := _more_devices(placed, place)):
        return more
    field = next((name for name in REQUESTS if getattr(stage, name, None) == rows), None)
    fewer = list(_halved(field, placed, place)) if field else []
    if fewer and fewer[0][0] * _FEWEST >= placed.rows:
        return fewer[0][1]
    return _shared(stage, placed, place) or (fewer[0][1] if fewer else None)


def _halved(field: str, placed: ServingPlacement, place: Hardware) -> Iterator[tuple[int, Remedy]]:
    """(requests, what to write) for fewer of them, most first."""
    rows = placed.rows
    while rows > 1:
        rows //= 2
        fits = footprint(attrs.evolve(placed, rows=rows), place)
        if fits.fits:
            yield rows, Remedy(f"`{field}={rows}`", field, fits)


def _shared(stage: AnyStage, placed: ServingPlacement, place: Hardware) -> Remedy | None:
    """The weights shared by more devices, where the stage has a field for their number, which the model can be divided by."""
    field = next((name for name in SHARING if getattr(stage, name, None) == placed.devices), None)
    if field is None or placed.devices is None or place.nodes > 1:
        return None
    for count in (size for size in (2, 4, 8) if size > placed.devices and not placed.model.heads % size):
        fits = footprint(attrs.evolve(placed, devices=count), place)
        if fits.fits:
            more = f", on=Hardware(device={written(place)}, count={count})" if count > place.devices else ""
            return Remedy(f"`{field}={count}{more}`", field, fits)
    return None


def _more_devices(placed: ServingPlacement, place: Hardware) -> Remedy | None:
    for power in range(1, _MOST_DOUBLINGS + 1):
        wanted = place.devices * 2**power
        count, nodes = (wanted, 1) if wanted <= 8 else (8, -(-wanted // 8))
        larger = attrs.evolve(place, count=count, nodes=nodes)
        fits = footprint(placed, larger)
        if fits.fits:
            machines = f", nodes={nodes}" if nodes > 1 else ""
            return Remedy(f"`on=Hardware(device={written(place)}, count={count}{machines})`", "on", fits)
    return None
