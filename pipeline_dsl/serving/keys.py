"""API keys: read from an environment variable that is referred to by name, compared without telling how far a guess was right."""

import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.serving.refusal import Refusal

SHORTEST = 16
"""Characters of a key that is worth the name."""


class Keys:
    """The keys that open the server. Only their sha256 is kept."""

    def __init__(self, keys: list[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @classmethod
    def of_variable(cls, name: str) -> "Keys":
        """The keys in the environment variable `name`, separated by blanks or commas.

        Raises: Usage if there is none, or one is too short.
        """
        keys = [key for key in re.split(r"[\s,]+", os.environ.get(name, "")) if key]
        how = f"export {name}=$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
        if not keys:
            raise Usage(f"the environment variable `{name}` holds no API key", help=how)
        if any(len(key) < SHORTEST for key in keys):
            raise Usage(f"a key in `{name}` has fewer than {SHORTEST} characters", help=how)
        return cls(keys)

    def owner(self, authorization: str | None) -> int:
        """Which key, from 0, an `Authorization` header carries. Every key is compared, each in constant time.

        Raises: Refusal, 401.
        """
        scheme, _, given = (authorization or "").partition(" ")
        digest = _digest(given.strip())
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if scheme.lower() != "bearer" or not any(matches):
            challenge = {"WWW-Authenticate": "Bearer"}
            if not given:
                raise Refusal(401, "missing_api_key", "send your API key as `Authorization: Bearer KEY`", headers=challenge)
            raise Refusal(401, "invalid_api_key", "the API key is not one of this server's", headers=challenge)
        return matches.index(True)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class RateLimit:
    """A bucket of permissions for each key that fills at `per_minute` and holds as many."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, owner: int) -> None:
        """Use one permission of `owner`.

        Raises: Refusal, 429, with the seconds to wait.
        """
        now = self._clock()
        level, since = self._buckets.get(owner, (float(self._per_minute), now))
        level = min(self._per_minute, level + (now - since) * self._per_minute / 60)
        if level < 1:
            wait = (1 - level) * 60 / self._per_minute
            self._buckets[owner] = (level, now)
            raise Refusal(
                429,
                "rate_limit_exceeded",
                f"this key may send {self._per_minute} requests a minute; try again in {wait:.1f} s",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        self._buckets[owner] = (level - 1, now)
