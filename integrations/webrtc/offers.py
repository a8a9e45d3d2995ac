"""The JSON of `/api/offer`, in the shape of Pipecat's SmallWebRTC."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

MOST_SDP_CHARS = 65_536
MOST_CANDIDATES = 64


class _Request(BaseModel):
    """Clients send more than we read, and each version something else."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Offer(_Request):
    """With the `pc_id` of a call it is a new description of that call's connection, or with
    `restart_pc` a new connection for it. `request_data` is the client's own and read by nobody.
    """

    sdp: str = Field(min_length=1, max_length=MOST_SDP_CHARS)
    type: Literal["offer"]
    pc_id: str | None = Field(default=None, max_length=64)
    restart_pc: bool | None = False
    request_data: Any = Field(
        default=None, validation_alias=AliasChoices("request_data", "requestData")
    )


class Candidate(_Request):
    """An empty one says that no other follows."""

    candidate: str = Field(max_length=1_024)
    sdp_mid: str | None = Field(default=None, max_length=64)
    sdp_mline_index: int | None = Field(default=None, ge=0, le=64)


class Candidates(_Request):
    """More ways to reach whoever made an offer."""

    pc_id: str = Field(max_length=64)
    candidates: tuple[Candidate, ...] = Field(max_length=MOST_CANDIDATES)


class HangUp(_Request):
    """The end of a call."""

    pc_id: str = Field(max_length=64)


class OfferAnswer(BaseModel):
    """What an offer is answered with. Whoever has the `pc_id` has the call; as `call` others know
    it.
    """

    sdp: str
    type: Literal["answer"] = "answer"
    pc_id: str
    call: str
