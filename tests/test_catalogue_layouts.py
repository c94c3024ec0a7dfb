"""Layouts: members in, plain files out."""

import io
import json
import struct
import zipfile

import mido
import pytest

from seqgen.catalogue.layouts import amalgamation, census, plain, scores, shakespeare, voices, wad
from seqgen.errors import DownloadError

PLAY = r"""# The Test

## ACT I

### PROLOGUE

Two households,  
both alike.

### SCENE I. A street. Before
the house.

a light burning.

_Enter TOM and
JERRY_

**TOM**  
_\[Aside]_  
Line one,  
\--line two!

_Exit Nurse_

Line three.

**First  Mouse: & CAT:**  
[Within]_  
He said _softly_ __\[Sings]_  
go.

### SCENE II. A wood

_Enter ANNE PAGE, with a child_

Unnamed verse.

_Sits_

More of it.

**TOM**  
_\[Dies]_  

_Exeunt_
"""

SPEECHES = """PROLOGUE:
Two households,
both alike.

TOM:
Line one,
--line two!
Line three.

First Mouse & CAT:
He said
go.

ANNE PAGE:
Unnamed verse.
More of it.
"""


def test_plain_changes_nothing():
    members = [("a/b", b"x"), ("c", b"")]
    assert list(plain.files(members)) == members


def test_a_play_becomes_speeches():
    assert shakespeare.play(PLAY) == SPEECHES
    assert list(shakespeare.files([("comedies/test.md", PLAY.encode())])) == [("comedies/test.txt", SPEECHES.encode())]


def marker(text: str) -> str:
    return f"/************** {text} ".ljust(70, "*") + "*/\n"


def test_an_amalgamation_comes_apart_again():
    text = (
        '/* Search for "Begin file b.h" */\nint before;\n'
        + marker("Begin file a.c")
        + "int a;\n"
        + marker("Include b.h in the middle of a.c")
        + marker("Begin file b.h")
        + "int b; /* End of the block */\n/******** Begin file inner.h *********/\nint c;\r\n"
        + marker("End of b.h")
        + marker("Continuing where we left off in a.c")
        + "int d;\n"
        + marker("End of a.c")
        + "int after;\n"
    )
    assert list(amalgamation.files([("x.c", text.encode())])) == [
        ("a.c", b"int a;\nint d;\n"),
        ("b.h", b"int b; /* End of the block */\n/******** Begin file inner.h *********/\nint c;\r\n"),
    ]
    assert list(amalgamation.files([("x.c", b"int main;\n")])) == []


def mxl(xml: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("META-INF/container.xml", "<rights>of the container</rights>")
        archive.writestr("score.xml", xml)
    return data.getvalue()


def test_scores_with_rights_are_left_out():
    free, blank = mxl(b"<score/>"), mxl(b"<rights>\r\n\t</rights>")
    members = [
        ("haydn/op1/m1.mxl", free),
        ("haydn/m2.mxl", blank),
        ("haydn/m3.mxl", mxl(b"<rights>Mine</rights>")),
        ("bach/m4.xml", b'<rights type="music">\n Mine</rights>'),
        ("bach/m5.xml", b"<score/>"),
    ]
    assert list(scores.files(members)) == [
        ("haydn/op1-m1.mxl", free),
        ("haydn/m2.mxl", blank),
        ("bach/m5.xml", b"<score/>"),
    ]


def make_wad(lumps: list[tuple[bytes, bytes]]) -> bytes:
    body, directory = b"", b""
    for name, data in lumps:
        directory += struct.pack("<ii8s", 12 + len(body), len(data), name)
        body += data
    return struct.pack("<4sii", b"PWAD", len(lumps), 12 + len(body)) + body + directory


def test_the_midi_lumps_of_a_wad_come_out_once():
    made = make_wad(
        [(b"D_E1M1", b"MThd one"), (b"FLOOR", b"flat"), (b"D_RUN/..", b"MThd two"), (b"D_TWIN", b"MThd one")]
    )
    assert list(wad.files([("games/my.wad", made), ("games/other.wad", make_wad([(b"D_X", b"MThd two")]))])) == [
        ("my-d_e1m1.mid", b"MThd one"),
        ("my-d_run___.mid", b"MThd two"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:11],
        lambda data: b"JUNK" + data[4:],
        lambda data: data[:4] + struct.pack("<i", -1) + data[8:],
        lambda data: data[:4] + struct.pack("<i", 2**31 - 1) + data[8:],
        lambda data: data[:8] + struct.pack("<i", len(data) - 3) + data[12:],
        lambda data: data[:-16] + struct.pack("<ii8s", 12, len(data), b"LONG"),
        lambda data: data[:-16] + struct.pack("<ii8s", -4, 4, b"BACK"),
    ],
)
def test_a_damaged_wad_is_one_sentence(change):
    good = make_wad([(b"D_E1M1", b"MThd one")])
    with pytest.raises(DownloadError, match="WAD"):
        list(wad.files([("x.wad", change(good))]))


def test_voices_become_midi_files():
    table = {"train": [[[72, -1, 60, 48], [72, -1, 62, 48], [74, 67, -1, 48]]], "test": []}
    [(name, data)] = voices.files([("table.json", json.dumps(table).encode())])
    song = mido.MidiFile(file=io.BytesIO(data))
    notes = [
        [(message.type, message.note, message.time) for message in track if not message.is_meta]
        for track in song.tracks
    ]
    assert name == "train/001.mid"
    assert [track.name for track in song.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert notes == [
        [("note_on", 72, 0), ("note_off", 72, 240), ("note_on", 74, 0), ("note_off", 74, 120)],
        [("note_on", 67, 240), ("note_off", 67, 120)],
        [("note_on", 60, 0), ("note_off", 60, 120), ("note_on", 62, 0), ("note_off", 62, 120)],
        [("note_on", 48, 0), ("note_off", 48, 360)],
    ]


@pytest.mark.parametrize(
    "data", [b"{", b"[1]", b'{"train": 1}', b'{"train": [[[60, 60]]]}', b'{"train": [[[999, 1, 1, 1]]]}']
)
def test_a_table_of_another_form_is_one_sentence(data):
    with pytest.raises(DownloadError, match="not a table of four voices"):
        list(voices.files([("table.json", data)]))


def test_a_census_is_a_list_of_names():
    table = b"SMITH          1.006  1.006      1\nST JOHN        0.810  1.816      2\n\nO'NEAL 0.1 0.1 3\n"
    assert list(census.files([("dist.all.last", table)])) == [("dist-all-last.txt", b"Smith\nSt\nO'Neal\n")]
