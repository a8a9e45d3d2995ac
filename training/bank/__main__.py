"""Pack a bank, and look into one: `python -m interject.training.bank pack --out BANK ...`.

argparse, as typer may be missing where one looks.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.bank.bank import is_natural, read_index
from interject.training.bank.bank_index import BadBank, StoredUtterance
from interject.training.nano.speech_bank import SpeechBank
from interject.training.recordings.attribution import attribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.bank.bank_index import BankIndex, StoredRecording

MIB = 1 << 20


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 2 for what a user can mend."""
    options = _parser().parse_args(argv)
    try:
        if options.command == "pack":
            _pack(options)
        elif options.attribution:
            known = read_index(options.bank).recordings
            sys.stdout.write(attribution(one for one in known if not one.held_out))
        else:
            _show(read_index(options.bank), options.bank)
    except (BadBank, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m interject.training.bank", description="What nano is trained with, packed."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    pack = commands.add_parser("pack", help="write a bank").add_argument
    pack("--speech", type=Path, action="append", default=[], metavar="NPZ",
         help="a speech bank to learn from; repeatable")  # fmt: skip
    pack("--held-out-speech", type=Path, action="append", default=[], metavar="NPZ",
         help="one of voices that only examine; repeatable")  # fmt: skip
    pack("--recordings", type=Path, metavar="DIR", help="a collection of recordings")
    pack("--limit-mib", type=float, default=55.0, help="size of the bank at most (55)")
    pack("--out", type=Path, required=True, metavar="BANK")
    show = commands.add_parser("show", help="what a bank holds").add_argument
    show("bank", type=Path, metavar="BANK")
    show("--attribution", action="store_true", help="whom the recordings owe a credit")
    return parser


def _pack(options: argparse.Namespace) -> None:
    from interject.training.bank.pack import BankInputs, pack
    from interject.training.recordings.collection import BadCollection, RecordingCollection

    if not options.speech and options.recordings is None:
        raise BadBank("nothing to pack: name a --speech or --recordings")
    if options.limit_mib < 0.2:
        raise BadBank(f"--limit-mib {options.limit_mib:g}: at least 0.2")
    try:
        folder = options.recordings
        inputs = BankInputs(
            [_speech(path) for path in options.speech],
            [_speech(path) for path in options.held_out_speech],
            None if folder is None else RecordingCollection.open(folder),
        )
        index = pack(inputs, options.out, int(options.limit_mib * MIB))
    except BadCollection as error:
        raise BadBank(str(error)) from None
    _show(index, options.out)


def _speech(path: Path) -> SpeechBank:
    try:
        return SpeechBank.load(path)
    except FileNotFoundError:
        raise BadBank(f"{path}: no such file") from None
    except Exception as error:  # numpy, zipfile and json raise what they like
        raise BadBank(f"{path}: is no speech bank, or is damaged ({error})") from None


def _show(index: BankIndex, path: Path) -> None:
    minutes: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    items: list[StoredUtterance | StoredRecording] = [*index.utterances, *index.recordings]
    for item in items:
        minutes[_group(item)].append(item.samples / SAMPLE_RATE_HZ / 60)
    lines = ["| use | kind | of | clips | minutes |", "|---|---|---|---|---|"]
    lines += [
        f"| {' | '.join(group)} | {len(clips)} | {sum(clips):.1f} |"
        for group, clips in sorted(minutes.items())
    ]
    sys.stdout.write("\n".join([*lines, f"{path.stat().st_size / MIB:.1f} MiB"]) + "\n")


def _group(item: StoredUtterance | StoredRecording) -> tuple[str, str, str]:
    use = "held out" if item.held_out else "train"
    if isinstance(item, StoredUtterance):
        return use, "utterance", "natural" if is_natural(item.voice) else "synthetic"
    return use, item.kind, item.label if item.kind == "sound" else item.source


if __name__ == "__main__":
    sys.exit(main())
