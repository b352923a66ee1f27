"""A text as filters look at it: its words, lines and paragraphs, found once."""

from functools import cached_property


class Page:
    """One text. Words are what blanks separate; lines and paragraphs are not empty."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        """What blanks separate."""
        return self.text.split()

    @cached_property
    def lines(self) -> list[str]:
        """Lines without the blanks around them."""
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def paragraphs(self) -> list[str]:
        """What empty lines separate."""
        return [paragraph for paragraph in map(str.strip, self.text.split("\n\n")) if paragraph]
