"""What other programs read in printed music: notes, bar lines, meters and parts of MIDI, MusicXML and ABC.

MIDI is read by mido, MusicXML by music21 in an environment of its own, ABC by abc2midi, whose MIDI mido reads.
"""

import dataclasses
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido

MUSIC21 = "music21==10.5.1"
GRID = 24  # steps of a quarter note
DRUMS = 9  # the channel
STAFF = 14  # places of drums on the staff
TAIL = GRID // 8  # steps that abc2midi goes on for
WRONG_BAR = re.compile(r"Bar \d+ has .* time units while")
READER = """
import json, sys
from pathlib import Path
import music21
def sounding(note):
    for one in note.notes if isinstance(note, music21.chord.ChordBase) else [note]:
        drum = isinstance(one, music21.note.Unpitched)
        staff = drum and "CDEFGAB".index(one.displayStep) + 7 * (one.displayOctave - 4)
        yield staff if drum else one.pitch.midi, drum, one.tie or note.tie
def notes_of(part):
    rows = []
    for note in part.flatten().notes:
        for pitch, drum, tie in sounding(note):
            begin = float(note.offset)
            rows.append([begin, begin + float(note.quarterLength), pitch, drum, tie.type if tie else ""])
    joined = []
    for row in sorted(rows, key=lambda row: row[:3]):
        before = None
        if row[4] in ("stop", "continue"):
            before = next((one for one in joined if one[2] == row[2] and abs(one[1] - row[0]) < 1e-6 and one[4]), None)
        if before:
            before[1], before[4] = row[1], row[4] == "continue"
        else:
            joined.append([*row[:4], row[4] == "start"])
    return [row[:4] for row in joined]
for path in sorted(Path(sys.argv[1]).glob("*.musicxml")):
    score = music21.converter.parse(path, format="musicxml", forceSource=True)
    notes, bars = [], []
    for part in score.parts:
        notes += notes_of(part)
        meter, own = None, []
        for measure in part.getElementsByClass(music21.stream.Measure):
            said = measure.timeSignature
            meter = [said.numerator, said.denominator] if said else meter
            own.append([float(measure.offset), meter])
        bars.append([*own, [float(part.duration.quarterLength), None]])
    print(json.dumps({"name": path.stem, "notes": notes, "bars": bars}), flush=True)
"""

Note = tuple[int, int, int]  # onset, pitch, length in steps; of drums the pitch and 128, without length
Meter = tuple[int, int]


@dataclass(frozen=True)
class Heard:
    """What one file says.

    Attributes:
        notes: How often each note stands in it.
        bars: (step, meter) of each bar line but the last; empty where parts differ.
        end: The step of the last bar line.
        parts: How many sound.
    """

    notes: Counter[Note]
    bars: list[tuple[int, Meter]]
    end: int
    parts: int

    @property
    def meters(self) -> list[Meter]:
        """One after the other, an upbeat in the meter that follows."""
        return [meter for meter, _ in itertools.groupby(meter for _, meter in self.with_upbeat().bars)]

    def with_upbeat(self) -> "Heard":
        """The same with a first bar shorter than the second in the meter of that."""
        lines = [*(at for at, _ in self.bars), self.end]
        if len(self.bars) > 1 and lines[1] < lines[2] - lines[1]:
            return dataclasses.replace(self, bars=[(0, self.bars[1][1]), *self.bars[1:]])
        return self

    def on_staff(self) -> "Heard":
        """The same with drums by their places on the staff."""
        notes = Counter[Note]()
        for (onset, pitch, length), count in self.notes.items():
            notes[onset, pitch if pitch < 128 else 128 + (pitch - 128) % STAFF, length] += count
        return dataclasses.replace(self, notes=notes)


@dataclass(frozen=True)
class Track:
    """What a track of a MIDI file says: times in steps."""

    notes: Counter[Note]
    meters: list[tuple[int, Meter]]
    end: int
    channels: set[int]


def note(onset: float, end: float, pitch: int, drum: bool) -> Note:
    """A note from quarter notes."""
    first = round(onset * GRID)
    return (first, pitch + 128, 0) if drum else (first, pitch, round(end * GRID) - first)


def tracks(data: bytes) -> Iterator[Track]:
    """The tracks of a MIDI file, by mido."""
    file = mido.MidiFile(file=io.BytesIO(data))
    quarter = file.ticks_per_beat
    for track in file.tracks:
        now, open_at = 0, dict[tuple[int, int], list[int]]()
        found = Track(Counter(), [], round(sum(message.time for message in track) * GRID / quarter), set())
        for message in track:
            now += message.time
            if message.type == "time_signature":
                found.meters.append((round(now * GRID / quarter), (message.numerator, message.denominator)))
            elif message.type == "note_on" and message.velocity:
                open_at.setdefault((message.channel, message.note), []).append(now)
                found.channels.add(message.channel)
            elif message.type in ("note_on", "note_off") and open_at.get((message.channel, message.note)):
                begin = open_at[message.channel, message.note].pop(0) / quarter
                found.notes[note(begin, now / quarter, message.note, message.channel == DRUMS)] += 1
        yield found


def of_midi(data: bytes) -> Heard:
    """A MIDI file, its meters in any track."""
    found = list(tracks(data))
    end = max(track.end for track in found)
    meters = dict(sorted((at, meter) for track in found for at, meter in track.meters))
    bars = list(bar_lines({0: (4, 4)} | meters, end))
    return Heard(_all_notes(found), bars, end, sum(bool(track.notes) for track in found))


def _all_notes(found: Sequence[Track]) -> Counter[Note]:
    return sum((track.notes for track in found), Counter[Note]())


def bar_lines(meters: dict[int, Meter], end: int) -> Iterator[tuple[int, Meter]]:
    """The bars of a meter map: a meter that begins inside a bar ends it."""
    for (begin, meter), (stop, _) in itertools.pairwise([*meters.items(), (end, (4, 4))]):
        for at in range(begin, stop, 4 * GRID * meter[0] // meter[1]):
            yield at, meter


def of_musicxml(python: str, files: dict[str, bytes]) -> dict[str, Heard]:
    """Name → a MusicXML file, by music21."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / f"{name}.musicxml").write_bytes(data)
        command = [python, "-W", "ignore", "-c", READER, folder]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = map(json.loads, ran.stdout.splitlines())
    return {each["name"]: _of_music21(each) for each in found}


def _of_music21(found: dict[str, Any]) -> Heard:
    lines = [[(round(at * GRID), tuple(meter or ())) for at, meter in part] for part in found["bars"]]
    bars: Any = lines[0][:-1] if all(part == lines[0] for part in lines) else []
    return Heard(Counter(note(*row) for row in found["notes"]), bars, lines[0][-1][0], len(lines))


def of_abc(data: bytes, meant: Heard) -> Heard:
    """An ABC tune, by abc2midi, beside what is meant.

    It does not say where bars begin, but whether each is as long as its meter; and of a meter that follows rests it
    says too early a tick. So the bars are those meant where every track has the same meters one after the other, no
    bar but an upbeat is said to be too short or too long, and the end is the right one.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        source.write_bytes(data)
        command = ["abc2midi", str(source), "-o", str(target)]
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        found = list(tracks(target.read_bytes()))
    wrong = any(WRONG_BAR.search(line) for line in (said.stdout + said.stderr).splitlines())
    first = [meter for _, meter in found[0].meters]
    sounding = [track for track in found if track.notes]
    said_meters = [first + [meter for _, meter in track.meters] for track in sounding]
    same = all([meter for meter, _ in itertools.groupby(own)] == meant.meters for own in said_meters)
    end = max((track.end for track in sounding), default=0)
    end = meant.end if meant.end <= end < meant.end + TAIL else end
    channels = set[int]().union(*(track.channels for track in sounding))
    return Heard(_all_notes(found), meant.bars if same and not wrong else [], end, len(channels))


def environment(folder: Path) -> str:
    """The interpreter of a virtual environment that has music21, which is made where there is none."""
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    if not (folder / "pyvenv.cfg").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-P", "-m", "pip", "install", "--quiet", MUSIC21], check=True)
    return python


def version_of_abc2midi() -> str:
    """What abc2midi says of itself; ends the program where there is none."""
    if not shutil.which("abc2midi"):
        sys.exit("abc2midi is not installed\nHint: apt install abcmidi")
    said = subprocess.run(["abc2midi", "-ver"], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).strip().splitlines()[0]
