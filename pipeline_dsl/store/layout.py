"""The folders under `.pdsl`: what is kept, what is being made, what was said."""

from pathlib import Path

import attrs


@attrs.frozen
class Layout:
    """Where a project keeps its state. Only `store` and `runs` hold what cannot be made again for free."""

    root: Path = attrs.field(converter=Path.absolute)
    """Absolute, since a stage may change the folder that it runs in."""

    @property
    def store(self) -> Path:
        """Blobs, trees, records and plans: see `store/store.py`."""
        return self.root / "store"

    @property
    def decisions(self) -> Path:
        """The decision log: see `store/log.py`."""
        return self.root / "store" / "decisions.jsonl"

    @property
    def stats(self) -> Path:
        """What files looked like when their digests were last true."""
        return self.root / "stats"

    @property
    def work(self) -> Path:
        """One folder a stage that is being made."""
        return self.root / "work"

    @property
    def logs(self) -> Path:
        """What stages printed, by action key."""
        return self.root / "logs"

    @property
    def locks(self) -> Path:
        """One file a stage that was ever run here, held while it runs."""
        return self.root / "locks"

    @property
    def runs(self) -> Path:
        """One folder a plan that was run: its manifest, and the plan."""
        return self.root / "runs"

    @property
    def aside(self) -> Path:
        """One folder a rollback: the records that it took out of use."""
        return self.root / "aside"

    def log(self, key: str) -> Path:
        """The log of the stage with this action key."""
        return self.logs / f"{tail(key)}.log"

    def progress(self, key: str) -> Path:
        """The file in which the running stage with this action key says how far it is."""
        return self.stage(key) / "progress.json"

    def stage(self, key: str) -> Path:
        """The working folder of the stage with this action key."""
        return self.work / tail(key)


def tail(digest: str) -> str:
    """A digest as a file name: its hexadecimal digits."""
    return digest.partition(":")[2]
