"""One small set of phone classes for every synthesiser (the names are those of ARPAbet)."""

from __future__ import annotations

from functools import lru_cache

PHONES = (
    "pau", "aa", "ae", "ah", "ao", "aw", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f", "g",
    "hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t", "th",
    "uh", "uw", "v", "w", "y", "z", "zh",
)  # fmt: skip
UNKNOWN_PHONE = -1
_IDS = {name: index for index, name in enumerate(PHONES)}
_IDS["ax"] = _IDS["ah"]
_ESPEAK = {
    "_": "pau", "@": "ah", "@2": "ah", "@5": "ah", "@L": "l", "a#": "ah", "3": "er", "3:": "er",
    "A:": "aa", "A": "aa", "A@": "aa", "a": "ae", "aa": "ae", "a2": "ae", "0": "aa", "V": "ah",
    "O:": "ao", "O": "ao", "O2": "ao", "o": "ao", "o@": "ao", "O@": "ao", "aU": "aw", "aI": "ay",
    "aI@": "ay", "aI3": "ay", "eI": "ey", "e": "eh", "E": "eh", "E2": "eh", "e@": "eh", "I": "ih",
    "I2": "ih", "I#": "ih", "i": "iy", "i:": "iy", "i@": "ih", "i@3": "ih", "oU": "ow", "OI": "oy",
    "U": "uh", "U@": "uh", "u": "uw", "u:": "uw", "tS": "ch", "dZ": "jh", "D": "dh", "h": "hh",
    "N": "ng", "S": "sh", "Z": "zh", "T": "th", "j": "y", "t#": "t", "t2": "t", "d#": "d",
    "r-": "r", "l#": "l", "n-": "n", "w#": "w", "z#": "z", "@-": "ah", "R": "r", "R2": "r",
}  # fmt: skip


@lru_cache(maxsize=512)
def phone_id(name: str) -> int:
    """The class of an espeak mnemonic or an ARPAbet name, or `UNKNOWN_PHONE`."""
    if name in _ESPEAK:
        return _IDS[_ESPEAK[name]]
    if name in _IDS:
        return _IDS[name]
    stripped = name.rstrip("0123456789#-:;,'~^\"?*|")
    if stripped != name and stripped:
        return phone_id(stripped)
    if not stripped or stripped.startswith("_"):
        return _IDS["pau"] if name.startswith("_") else UNKNOWN_PHONE
    return UNKNOWN_PHONE
