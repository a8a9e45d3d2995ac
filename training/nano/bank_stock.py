"""The stock of a run that has a bank: nothing is spoken, and all is made by several processes.

Every piece has a seed of its own, so that any number of processes makes the same stock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.forked_pool import forked_pool
from interject.training.nano.language import spoken_prompts
from interject.training.nano.natural_bank import OTHERS, multiplied
from interject.training.nano.recorded_stock import RecordedStock
from interject.training.nano.scene import Stock
from interject.training.nano.speech_bank import NEAR_MISS, UNRELATED, SpeechBank
from interject.training.nano.stock import make_stock

if TYPE_CHECKING:
    from interject.training.bank.bank import BankPart
    from interject.training.nano.stock_shares import StockShares
    from interject.training.sounds.waves import Wave
    from interject.training.speech.utterance import Utterance

_ITEMS = 400
"""Utterances that are changed at once."""


@dataclass(frozen=True, slots=True)
class StockSize:
    """`others` is how many other people say each natural utterance. Made in so many `pieces`."""

    sounds_a_class: int = 250
    rooms: int = 150
    others: int = OTHERS
    pieces: int = 10


SMALL_STOCK = StockSize(4, 6, 0, 2)


def bank_stock(
    part: BankPart, shares: StockShares, seed: int, size: StockSize, processes: int
) -> Stock:
    """:raises TrainingFailure: when nothing in the bank says some request."""
    speech = _complete(part)
    if not speech.own:
        shares = replace(shares, own=0.0, echo=0.0)
    with forked_pool(processes) as pool:
        natural = [] if part.natural is None else list(part.natural.items())
        portions = [natural[at : at + _ITEMS] for at in range(0, len(natural), _ITEMS)]
        changed = [
            pool.submit(_changed, portion, seed + number, size.others)
            for number, portion in enumerate(portions)
        ]
        made = [
            pool.submit(_piece, speech, shares, seed, number, size) for number in range(size.pieces)
        ]
        stock = _joined([one.result() for one in made], speech)
        said = list(chain.from_iterable(one.result() for one in changed))
    return replace(
        stock,
        shares=shares,
        natural=SpeechBank(said) if said else None,
        recorded=RecordedStock.of(recording.drawn_by for recording in part.recordings),
    )


def _complete(part: BankPart) -> SpeechBank:
    """What scenes fall back on must know all that they ask for."""
    banks = [bank for bank in (part.synthetic, part.natural) if bank is not None]
    wanted = {*spoken_prompts().values(), UNRELATED, NEAR_MISS}
    if banks and wanted <= banks[0].groups.keys():
        return banks[0]
    items = [item for bank in banks for item in bank.items()]
    if missing := sorted(wanted - {key for key, _ in items}):
        raise TrainingFailure(
            f"nothing in the bank says {missing[0]!r}: pack a --speech that has all requests"
        )
    return SpeechBank(items)


def _changed(
    portion: list[tuple[str, Utterance]], seed: int, others: int
) -> list[tuple[str, Utterance]]:
    return list(multiplied(portion, seed, others).items())


Made = tuple[dict[str, list["Wave"]], list["Wave"], list["Wave"]]


def _piece(
    speech: SpeechBank, shares: StockShares, seed: int, number: int, size: StockSize
) -> Made:
    each = -(-size.sounds_a_class // size.pieces), -(-size.rooms // size.pieces)
    stock = make_stock(
        speech, seed * size.pieces + number, sounds_a_class=each[0], rooms=each[1], shares=shares
    )
    return stock.sounds, stock.rooms, stock.backgrounds


def _joined(pieces: list[Made], speech: SpeechBank) -> Stock:
    sounds = {kind: [w for made, _, _ in pieces for w in made[kind]] for kind in pieces[0][0]}
    rooms = [wave for _, more, _ in pieces for wave in more]
    backgrounds = [wave for _, _, more in pieces for wave in more]
    return Stock(speech, sounds, rooms, backgrounds)
