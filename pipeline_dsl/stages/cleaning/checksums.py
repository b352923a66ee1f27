"""Checksums that tell a number of some kind from any other digits."""

import ipaddress
import re


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def card(text: str) -> bool:
    """Whether `text` is a payment card number: an issuer's leading digits, their length, and the Luhn digit.

    Source: ISO/IEC 7812-1; leading digits of American Express, Diners Club, Discover, JCB, Mastercard, Visa and UnionPay.
    """
    digits = "".join(character for character in text if character.isdigit())
    lengths = _card_lengths(digits)
    return len(digits) in lengths and len(set(digits)) > 1 and luhn(digits)


def _card_lengths(digits: str) -> range | tuple[int, ...]:
    """Lengths that numbers with these leading digits have."""
    head = int(digits[:4] or 0)
    if digits[:1] == "4":
        return 13, 16, 19
    if 5100 <= head <= 5599 or 2221 <= head <= 2720:
        return (16,)
    if digits[:2] in ("34", "37"):
        return (15,)
    if digits[:2] in ("36", "38", "39") or 3000 <= head <= 3059:
        return 14, 16
    if 3528 <= head <= 3589 or head == 6011 or digits[:2] in ("62", "65") or 6440 <= head <= 6499:
        return range(16, 20)
    return ()


def iban(text: str) -> bool:
    """Whether `text` is an international bank account number. Source: ISO 13616-1, ISO/IEC 7064 (mod 97-10)."""
    letters = "".join(text.split()).upper()
    if not 15 <= len(letters) <= 34 or not letters[:2].isalpha() or not letters[2:4].isdigit() or not letters.isalnum():
        return False
    moved = letters[4:] + letters[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def social_security(text: str) -> bool:
    """Whether `text` may be a US social security number: AAA-GG-SSSS with parts that are given out.

    Source: Social Security Administration, number randomization of 2011: no area 000, 666 or 9xx, no group 00, no serial 0000.
    """
    area, group, serial = text[:3], text[4:6], text[7:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def phone(text: str) -> bool:
    """Whether `text` has as many digits as a telephone number, and is not a decimal fraction with its sign.

    Source: ITU-T E.164, at most 15 digits; 8 at least with a country code, by the shortest national plans.
    """
    digits = sum(character.isdigit() for character in text)
    return 8 <= digits <= 15 and re.fullmatch(r"\+\d+\.\d+", text) is None


def address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address that could be somebody's: no loopback, none that stands for all.

    An IPv6 address of fewer than three groups is not believed: `10::` and `add::be` are more often something else.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if found.version == 6 and "." not in text and sum(map(bool, text.split(":"))) < 3:
        return False
    return not (found.is_loopback or found.is_unspecified)
