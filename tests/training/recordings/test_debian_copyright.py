from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.recordings.debian_copyright import CopyrightFile

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: https://example.org

Files: *
Copyright: 2010, 2011 by Ann Archer <ann@example.org>
           (c) 2014-2015 Bob
License: GPL-3+

Files: sounds/bell.wav
       sounds/Wooden?Drive.ogg
Copyright: Cy
License: CC-BY-3.0
Comment: a word
 more words

License: GPL-3+
 This program is free software.
 .
 License: not a field of its own
"""


def test_the_last_paragraph_that_names_a_file_stands_for_it(tmp_path: Path) -> None:
    (tmp_path / "copyright").write_text(TEXT)
    notices = CopyrightFile.read(tmp_path / "copyright")
    bell, other = notices.of("sounds/bell.wav"), notices.of("sounds/door.wav")
    assert bell is not None
    assert (bell.licence, bell.holders) == ("CC-BY-3.0", "Cy")
    assert other is not None
    assert (other.licence, other.holders) == ("GPL-3+", "Ann Archer <ann@example.org>; Bob")
    assert notices.of("sounds/Wooden Drive.ogg") == bell


def test_a_file_without_paragraphs_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "copyright").write_text("It was downloaded from somewhere.\n")
    assert CopyrightFile.read(tmp_path / "copyright").of("a.wav") is None
