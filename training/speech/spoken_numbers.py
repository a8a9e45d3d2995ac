"""English numerals in words."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect

MOST_DIGITS = 15
"""Longer ones, and those that begin with a zero, are read digit by digit."""
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_MONTH_NAMES = "|".join(_MONTHS)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*"
_CURRENCIES = {
    "$": ("dollar", "cent"), "\N{EURO SIGN}": ("euro", "cent"),
    "\N{POUND SIGN}": ("pound", "penny"),
}  # fmt: skip
_UNITS = {
    "%": "percent", "\N{DEGREE SIGN}C": "degrees Celsius", "\N{DEGREE SIGN}F": "degrees Fahrenheit",
    "\N{DEGREE SIGN}": "degrees", "km/h": "kilometres an hour", "mph": "miles an hour",
    "km": "kilometres", "cm": "centimetres", "mm": "millimetres", "m": "metres",
    "kg": "kilograms", "mg": "milligrams", "g": "grams", "ml": "millilitres", "l": "litres",
    "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "Hz": "hertz", "dB": "decibels",
    "kB": "kilobytes", "MB": "megabytes", "GB": "gigabytes", "TB": "terabytes",
    "ms": "milliseconds", "min": "minutes", "h": "hours", "s": "seconds",
    "kW": "kilowatts", "W": "watts", "V": "volts",
}  # fmt: skip
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_DATE = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b")
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b(?!:)")
_DECADE = re.compile(r"\b(1[1-9]\d0|20[1-9]0|2000)s\b")
_MONEY = re.compile(
    rf"([$\N{{EURO SIGN}}\N{{POUND SIGN}}])\s?({_NUMBER})(?: (million|billion|trillion)\b)?"
)
_MEASURE = re.compile(rf"(?<![\w.])({_NUMBER})\s?({_UNIT})(?![\w/])")
_YEAR = re.compile(
    rf"(?i:\b(in|since|of|until|till|from|by|before|after|{_MONTH_NAMES}|\d(?:st|nd|rd|th)?,))"
    r" (1[1-9]\d\d|20\d\d)\b(?![.,]\d)"
)
_RANGE = re.compile(r"(?<=\d)\s?[-\N{EN DASH}]\s?(?=\d)")
_ORDINAL = re.compile(r"\b(\d+)(st|nd|rd|th)\b", re.IGNORECASE)
_MINUS = re.compile(r"(?<![\w.])[-\N{MINUS SIGN}](?=\d)")
_PLAIN = re.compile(_NUMBER)


@functools.cache
def _engine() -> inflect.engine:
    """Its import takes a second: where nothing is said, nobody waits for it."""
    import inflect

    return inflect.engine()


def with_words_for_numbers(text: str) -> str:
    """Dates, times, money, measures, years, ranges, ordinals, and what is left."""
    text = _DATE.sub(_date, text)
    text = _CLOCK.sub(_clock, text)
    text = re.sub(r"(?<=\d):(?=\d)", " ", text)
    text = _DECADE.sub(_decade, text)
    text = _MONEY.sub(_money, text)
    text = _YEAR.sub(lambda found: f"{found[1]} {year(int(found[2]))}", text)
    text = _RANGE.sub(" to ", text)
    text = _MINUS.sub(" minus ", text)
    text = _MEASURE.sub(_measure, text)
    text = _ORDINAL.sub(lambda found: ordinal(found[1]), text)
    return _PLAIN.sub(lambda found: _apart(found, cardinal(found[0])), text)


def cardinal(digits: str) -> str:
    plain = digits.replace(",", "")
    whole, *parts = plain.split(".")
    if len(parts) > 1:
        return " point ".join(cardinal(part) for part in (whole, *parts))
    if len(whole) > MOST_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        spoken = _each(whole)
    else:
        spoken = str(_engine().number_to_words(whole, andword="", comma=""))
    return f"{spoken} point {_each(parts[0])}" if parts else spoken


def ordinal(digits: str) -> str:
    if len(digits) > MOST_DIGITS:
        return _each(digits)
    return str(_engine().ordinal(cardinal(digits)))


def year(number: int) -> str:
    century, rest = divmod(number, 100)
    if number % 1_000 < 10:
        return cardinal(str(number))
    if not rest:
        return f"{cardinal(str(century))} hundred"
    return f"{cardinal(str(century))} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def _each(digits: str) -> str:
    return " ".join(str(_engine().number_to_words(digit)) for digit in digits)


def _date(found: re.Match[str]) -> str:
    return f"{_MONTHS[int(found[2]) - 1]} {ordinal(str(int(found[3])))}, {year(int(found[1]))}"


def _clock(found: re.Match[str]) -> str:
    hour, minute = cardinal(str(int(found[1]))), int(found[2])
    if not minute:
        return f"{hour} o'clock"
    return f"{hour} {'oh ' if minute < 10 else ''}{cardinal(str(minute))}"


def _decade(found: re.Match[str]) -> str:
    spoken = year(int(found[1]))
    return f"{spoken[:-1]}ies" if spoken.endswith("y") else f"{spoken}s"


def _money(found: re.Match[str]) -> str:
    one, small = _CURRENCIES[found[1]]
    amount = found[2].replace(",", "")
    whole, _, part = amount.partition(".")
    if found[3]:
        return f"{cardinal(amount)} {found[3]} {one}s"
    spoken = f"{cardinal(whole)} {one if whole == '1' else f'{one}s'}"
    if len(part) != 2 or not part.isdigit():
        return f"{cardinal(amount)} {one}s" if part else spoken
    if part == "00":
        return spoken
    cents = small if part == "01" else "pence" if small == "penny" else f"{small}s"
    return f"{spoken} and {cardinal(str(int(part)))} {cents}"


def _measure(found: re.Match[str]) -> str:
    unit = _UNITS[found[2]]
    if found[1] == "1" and unit != "percent" and "hertz" not in unit:
        unit = re.sub(r"^(\w+?)s\b", r"\1", unit)
    return f"{cardinal(found[1])} {unit}"


def _apart(found: re.Match[str], spoken: str) -> str:
    """A space where a letter stands next to it ("3D", "B2")."""
    text, first, last = found.string, found.start(), found.end()
    before = " " if first and text[first - 1].isalnum() else ""
    behind = " " if last < len(text) and text[last].isalnum() else ""
    return f"{before}{spoken}{behind}"
