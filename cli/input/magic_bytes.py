"""Tells a sound file from raw PCM by its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.cli.input.mpeg_audio import begins_mpeg_audio

if TYPE_CHECKING:
    from interject.cli.input.input_file import InputFile

SIGNATURES = (
    *((0, magic) for magic in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff\x2e\x91\xcf\x11")),
    *((0, magic) for magic in (b"FORM", b"caff", b".snd", b"fLaC", b"OggS", b"#!AMR", b"wvpk")),
    *((0, magic) for magic in (b"MAC ", b"TTA1", b"DSD ", b"FRM8", b"ADIF", b"FLV\x01")),
    *((0, magic) for magic in (b".RMF", b"nut/multimed")),
    *((0, magic) for magic in (b"ID3\x02", b"ID3\x03", b"ID3\x04")),
    *((0, magic) for magic in (b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"\0\0\1\xba")),
    *((4, magic) for magic in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
)
"""Place and bytes: WAV and its kin, AIFF, CAF, AU, FLAC, Ogg, AMR, WavPack, APE, TTA, DSD, AAC,
FLV, RealMedia, NUT, MP3 with tags, Matroska, ASF, MPEG, MP4."""
LONGEST_SIGNATURE = 12
TS_SYNC, TS_PACKET = 0x47, 188


def is_sound_file(file: InputFile) -> bool:
    """Whether FFmpeg should read it. A live pipe is asked for no more bytes than it takes."""
    start = file.peek(LONGEST_SIGNATURE)
    if any(start[at : at + len(magic)] == magic for at, magic in SIGNATURES):
        return True
    return _is_transport_stream(file, start) or begins_mpeg_audio(file)


def _is_transport_stream(file: InputFile, start: bytes) -> bool:
    if start[:1] != bytes([TS_SYNC]):
        return False
    packets = file.peek(2 * TS_PACKET + 1)
    return len(packets) > 2 * TS_PACKET and {packets[TS_PACKET], packets[-1]} == {TS_SYNC}
