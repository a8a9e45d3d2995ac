"""What another process still writes is not deleted by a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.testclient import TestClient

from interject.agent.records.record_folder import GOES_ON
from interject.agent.records.store import RecordStore
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.erasure import SessionErasure
from tests.agent.records.test_records import begun, play

if TYPE_CHECKING:
    from pathlib import Path


def test_a_session_of_another_server_is_not_deleted_before_it_ends(tmp_path: Path) -> None:
    recorder = begun(RecordStore(tmp_path), retention="everything")
    play(recorder)
    app = FastAPI()
    app.include_router(SessionErasure(Bearer(), [], RecordStore(tmp_path), tuple).router)
    web = TestClient(app, client=("127.0.0.1", 1))
    for name in ("call-7", recorder.begun.id):
        refused = web.delete(f"/api/records/{name}")
        assert (refused.status_code, refused.json()) == (409, {"detail": GOES_ON})
    recorder.close()
    path = tmp_path / recorder.begun.id / "lines.jsonl"
    path.write_bytes(b"torn")
    assert web.delete(f"/api/records/{recorder.begun.id}").json() == {"records": 1, "held": 0}
    assert list(tmp_path.iterdir()) == []
