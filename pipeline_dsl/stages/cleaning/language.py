"""Which language a text is written in."""

from collections.abc import Callable, Sequence
from typing import Any

ENOUGH = 2000
"""Characters that are looked at: more of them decide nothing."""


def recognizer(lingua: Any, threads: int = 1) -> Callable[[Sequence[str]], list[str]]:
    """A function from texts to ISO 639-1 codes such as `en`; an empty one where no language is recognized.

    `lingua` is the library, whose models come with it.
    """
    detector = lingua.LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()

    def codes(texts: Sequence[str]) -> list[str]:
        found = [detector.detect_language_of(text[:ENOUGH]) for text in texts]
        return [language.iso_code_639_1.name.lower() if language else "" for language in found]

    return codes
