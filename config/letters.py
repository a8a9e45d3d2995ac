"""Letters as people mean them, however a keyboard or a PDF writes them."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = re.compile("\u00ad\\s*|[\u200c\u200d\u2060\ufeff]")
"""Where a word may be parted or joined; a soft hyphen may have been followed by a line's end."""


def folded(text: str) -> str:
    """Without case: composed and decomposed accents, ligatures, full-width letters, ß and the dot
    of a Turkish I are each written in one way.
    """
    seen = _HIDDEN.sub("", text).replace("№", "#")  # Else it were "no".
    plain = unicodedata.normalize("NFKC", seen).casefold()
    return unicodedata.normalize("NFKC", plain).replace("i\u0307", "i")
