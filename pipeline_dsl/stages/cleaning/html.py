"""The text of a web page, without what surrounds it."""

from typing import Any


def page_text(html: str, html2text: Any) -> str:
    """The main text of a page, one paragraph or list item a line; navigation, scripts and comments are left out.

    `html2text` is the module `resiliparse.extract.html2text` (Bevendorff et al., 2018).
    """
    return str(html2text.extract_plain_text(html, main_content=True, preserve_formatting=True, list_bullets=False, alt_texts=False))
