"""What is somebody's number or address, in which scripts, and what only looks like one."""
# ruff: noqa: RUF001

from __future__ import annotations

import pytest

from interject.agent.privacy.redactor import Redactor
from interject.config.privacy import EVERY_KIND, PrivacySettings

EVERYTHING = Redactor(PrivacySettings(redact=EVERY_KIND))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My card is 4111 1111 1111 1111, thanks.", "My card is [card], thanks."),
        ("It is 4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1.", "It is [card]."),
        ("4111, 1111, 1111, 1111", "[card]"),
        ("card 3782 822463 10005 of hers", "card [card] of hers"),
        ("3566 0020 2036 0505", "[card]"),
        ("４１１１－１１１１－１１１１－１１１１", "[card]"),
        ("٤١١١ ١١١١ ١١١١ ١١١١ شكرا", "[card] شكرا"),
        ("४१११ ११११ ११११ ११११", "[card]"),
        ("4111\u200b1111\u2009–\u20091111\u00a01111", "[card]"),
        ("卡号是4111111111111111谢谢", "卡号是[card]谢谢"),
        ("12/27 4111 1111 1111 1111 123", "12/27 [card] 123"),
        ("4111    1111 -- 1111 … 1111", "[card]"),
        ("**4111** **1111** **1111** **1111**", "**[card]**"),
        ("?c=4111%201111%201111%2D1111&x", "?c=[card]&x"),
        ("41\u200b11\u0301\u0301\u0301\u03011\u3164111 1111 1111", "[card]"),
        ("4111 1111 1111 1111 5500 0000 0000 0004", "[card] [card]"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 3", "[card] 1 2 3"),
        ("41 11 11 11 11 11 11 11", "[card]"),
        ("+\n4111 1111 1111 1111", "[card]"),
        ("DE89 3704 0044 0532 0130 00 is ours", "[iban] is ours"),
        ("gb29nwbk60161331926819", "[iban]"),
        ("D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", "[iban]"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S.", "[iban]."),
        ("Ring +49 (171) 555-1234 now", "Ring [phone] now"),
        ("0049 171 5551234", "[phone]"),
        ("Call 0171/5551234 or (415) 555-2671.", "Call [phone] or [phone]."),
        ("room 5 415-555-2671", "room 5 [phone]"),
        ("01 23 45 67 89, 01.23.45.67.89", "[phone], [phone]"),
        ("01 23 45 67 89 / 01 23 45 67 90\n01 23 45 67 91", "[phone] / [phone]\n[phone]"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n5 5 0 0 0 0 0 0 0 0 0 0 0 0 0 4", "[card]\n[card]"),
        ("call me at 2125552368 or tel:2125552368", "call me at [phone] or tel:[phone]"),
        ("06 12 2025: ring 0800 1234", "06 12 2025: ring [phone]"),
        ("0 1 7 1 5 5 5 1 2 3 4", "[phone]"),
        ("Mail anna.meier+x@firma.example.", "Mail [email]."),
        ("<anna@firma.example>, please", "<[email]>, please"),
        ("请写信给anna@x.de谢谢", "请写信给[email]谢谢"),
        ("客服@例子.中国。", "[email]。"),
        ("ａｎｎａ＠ｘ．ｄｅ", "[email]"),
    ],
)  # fmt: skip
def test_what_belongs_to_somebody_goes(text: str, left: str) -> None:
    assert EVERYTHING.text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 fails Luhn's check",
        "on 2026-11-27 20 or 05.12.2026",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
        "In 2019, 2020, 2021 and 2022",
        "order 12345678, 3.1415926535897932 and 5@2.50",
        " ".join(map(str, range(1, 61))),
        "2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40",
        "1 2 3 4 5 6 7 8 9 10",
        " ".join(map(str, range(90, 130))),
        "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6 2 6 4 3 3 8 3 2 7 9 5 0 2 8 8 4 1 9 7 1 6 9",
        "01 02 03 04 05 06, 01.02.03.04.05 and 33 44 55 66 77",
        "IP 192.168.100.200, ZIP 94105-1234, invoice 2026-000123",
        "2025 06 12 08 30 00, the 6 12 2025 08 30, 05.12.2026 - 07.12.2026",
        "profit +12345678 EUR, +3.14159265, 0.5772156649015329",
        "order 2125552368",
        "@anna said it is at 10.30-11.45",
        "her page is https://example.org/@anna/12",
        "IMEI 356938035643809",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert EVERYTHING.text(text) == text


def test_a_profile_says_which_kinds_and_what_stays() -> None:
    wrong = "DE88 3704 0044 0532 0130 00"
    assert Redactor(PrivacySettings()).text(wrong) == wrong
    text = "4111111111111111, anna@x.example or 0800 123456"
    assert Redactor(PrivacySettings()).text(text) == "[card], anna@x.example or 0800 123456"
    assert (
        Redactor(PrivacySettings(redact=("email",))).text(text).startswith("4111111111111111, [e")
    )
    own = PrivacySettings(redact=EVERY_KIND, keep=("ANNA@x.example", "0800-123 456"))
    assert Redactor(own).text(text) == "[card], anna@x.example or 0800 123456"


def test_of_a_card_that_was_broken_off_no_fifteen_digits_stay() -> None:
    assert EVERYTHING.text("It is 356600202036050", whole=False) == "It is [card]"


def test_the_last_digits_stay_where_the_profile_says_so() -> None:
    masked = Redactor(PrivacySettings(redact=EVERY_KIND, show_last=4))
    text = "4111 1111 1111 1234 is no card; 5500 0000 0000 0004 is, and +49 171 5551234; a@x.de"
    assert masked.text(text) == (
        "4111 1111 1111 1234 is no card; [card …0004] is, and [phone …1234]; [email]"
    )


def test_a_country_that_is_not_named_writes_numbers_of_its_own() -> None:
    text = "98765 43210"
    assert Redactor(PrivacySettings(redact=("phone",))).text(text) == text
    india = PrivacySettings(redact=("phone",), countries=("IN",))
    assert Redactor(india).text(text) == "[phone]"
