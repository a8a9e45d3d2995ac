from __future__ import annotations

from interject.training.recordings.attribution import attribution
from interject.training.recordings.recording import CollectedRecording, RecordingUse
from interject.training.recordings.summary import hours_table


def recording(name: str, use: str, credit: str, licence: str = "CC-BY-3.0") -> CollectedRecording:
    return CollectedRecording.model_validate(
        {
            "file": f"toys/{name}.flac",
            "source": "toys",
            "licence": licence,
            "credit": credit,
            "use": use,
            "kind": "sound",
            "label": "bell",
            "seconds": 30.0,
        }
    )


MANY = [
    recording("a", "train", "Ann"),
    recording("b", "train", "Bob", "CC0"),
    recording("c", "evaluate", "Cy", "GPL-2+"),
]


def test_the_attribution_names_holders_and_where_there_are_several_their_files() -> None:
    text = attribution(one for one in MANY if one.use is RecordingUse.TRAIN)
    assert "- Ann: 1 recordings, CC-BY-3.0 (toys/a.flac)" in text
    assert "- Bob: 1 recordings, CC0 (toys/b.flac)" in text
    assert "Cy" not in text
    assert attribution(MANY[:1]).endswith("- Ann: 1 recordings, CC-BY-3.0\n")


def test_the_table_adds_up() -> None:
    assert hours_table(MANY).splitlines() == [
        "use       source  kind   label  recordings  minutes",
        "evaluate  toys    sound  bell   1           0.5",
        "train     toys    sound  bell   2           1.0",
        "train     all                   2           1.0",
        "evaluate  all                   1           0.5",
    ]
