"""A machine with a GPU collects this folder without what makes nano's data: it is imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.nano.batch_maker import BatchMaker
    from interject.training.nano.scene import Stock
    from interject.training.nano.speech_bank import SpeechBank


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make tiny models slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bank() -> SpeechBank:
    from interject.training.nano.speech_bank import BankSize, make_bank

    return make_bank(BankSize(1, 0, 14, 2, 0, 6, 0, own_a_reply=1, isolated=8), seed=3)


@pytest.fixture(scope="session")
def stock(bank: SpeechBank) -> Stock:
    from interject.training.nano.stock import make_stock

    return make_stock(bank, 3, sounds_a_class=2, rooms=4)


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    from interject.training.nano.recipe import nano_config
    from interject.training.nano.tokenizer import train_tokenizer

    return nano_config(train_tokenizer().get_vocab_size())


@pytest.fixture(scope="session")
def maker(stock: Stock, config: ModelConfig) -> BatchMaker:
    from interject.training.nano.batch_maker import BatchMaker
    from interject.training.nano.tokenizer import train_tokenizer

    return BatchMaker(stock, config, train_tokenizer(), seed=3)
