"""Where a worker is found."""

from __future__ import annotations

import importlib

import pytest

from interject.model_runtime.redis.worker.worker import Worker


def test_the_worker_is_found_where_it_was_for_one_version() -> None:
    package = importlib.import_module("interject.model_runtime.redis.worker")
    assert package.Worker is Worker
    with pytest.raises(AttributeError, match="has no attribute 'Tenant'"):
        _ = package.Tenant
