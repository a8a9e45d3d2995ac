"""The folder that `interject train init` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.domain.domain_file import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE_RECORDINGS = "recordings/kettle"
IGNORED_RECORDINGS = "recordings/ignore"
_FILE = f"""\
# What a model is to react to in your domain. `interject train FOLDER` does the rest:
# data, training, examination, report. Folders are seen from this file.

# What to begin with: nano (the small model that comes with Interject), or a checkpoint's folder.
base: nano

# Half of the phrases in natural voices: the folder that `interject voice fetch kokoro-82m` names.
# voices: kokoro-82m

react:
  # A sound: a folder with ten or more recordings, the event once in each (0.1 to 8 s). If nano
  # has it among its ordinary sounds (doorbell, kettle, telephone, ...) give it that name.
  # Any format, any rate. Three in ten are kept for the examination and never learnt from.
  - name: kettle
    recordings: {EXAMPLE_RECORDINGS}
    reply: The water is boiling.
    emotion: normal         # happy, sad, angry, surprise, normal or urgent

  # A phrase: it is spoken by synthetic voices. Recordings of it can be added as above.
  - name: open-the-gate
    phrases: [open the gate, please open the gate]
    reply: The gate is opening.

# What sounds or is worded alike, or just happens often in your place: silence is right for it.
ignore:
  recordings: {IGNORED_RECORDINGS}
  phrases: [the gate is open, close the gate]
  # Ordinary sounds, talk and backgrounds that others recorded:
  # python -m interject.training.recordings fetch collection
  # collection: collection

# The requests and alarms that nano reacts to already: `forget` them, and your model reacts to what
# stands above and to nothing else; `keep` them, and it has to tell more apart. With `keep`, names
# in `forget: [smoke_alarm, goodbye]` are forgotten alone.
others: forget

size:
  streams: 3000             # different streams that it learns from
  chunks: 30                # length of one, in chunks of 400 ms
  voices_a_phrase: 60       # synthetic renderings of every phrase
  held_out_share: 0.3       # of your recordings: only examined, never learnt from
  test_hours: 2.0           # streams of the examination
  minutes: 40               # of training, on this machine
  false_an_hour: 5.0        # most false reactions in an hour of ceaseless talk and sounds
  seed: 1
"""


class FolderTaken(Exception):
    """Something is there already."""


def write_template(folder: Path) -> list[Path]:
    """Make the folder and what belongs in it; returns what was made.

    :raises FolderTaken: when it holds something.
    :raises OSError: when it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is there already: name a folder that is new or empty")
    made = [folder / EXAMPLE_RECORDINGS, folder / IGNORED_RECORDINGS]
    for place in made:
        place.mkdir(parents=True)
    (folder / FILE_NAME).write_text(_FILE, encoding="utf-8")
    return [folder / FILE_NAME, *made]
