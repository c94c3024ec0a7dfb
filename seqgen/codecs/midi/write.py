"""A `Score` to a MIDI file of type 1: tempo and meter first, then one track an instrument. Same score, same bytes.

A program has a channel of its own, channel 10 being the drums'. Where more than fifteen pitched programs play, a
channel changes hands when its notes have ended, the one that has been silent longest first; where more than fifteen
sound at once, the others go to a further port (meta event 0x21), which has sixteen channels of its own. No two
programs ever share a channel at one time.
"""

import dataclasses
import io

import mido
import numpy as np

from seqgen.codecs.midi import programs
from seqgen.codecs.midi.score import DRUMS, Score

PERCUSSION = 9
SUSTAIN = 64
PITCHED = 15  # channels of a port that are not the drums'
MAX_TICKS_PER_QUARTER = 0x7FFF
MOST_TRACKS = 200  # beside the conductor's; the reader takes 256
NO_PROGRAM = -1
MAX_DELTA = (1 << 28) - 1
# Of the messages at one tick: what ends comes first, for a synthesizer would kill a note that begins again.
ENDS, CHANGES, STARTS = range(3)

Message = tuple[int, int, int, mido.Message]  # tick, order within the tick, place in the score, message
Span = tuple[int, int, int, int]  # onset, end, program, pitch; a pedal has pitch PEDAL and lasts like a note
PEDAL = -1
# Place of a span, its slot (a pitched channel: 15 × port + number), and when the slot must change its program, if so.
Slot = tuple[int, int, int | None]


def write_score(score: Score) -> bytes:
    """The bytes of a MIDI file. Meters that MIDI cannot name (their denominator is no power of two) are left out."""
    score = _fitting(score)
    file = mido.MidiFile(type=1, ticks_per_beat=score.ticks_per_quarter, charset="utf-8")
    file.tracks.append(_conductor(score))
    spans = _spans(score)
    for (program, port), messages in _instruments(score, spans, _slots(spans)).items():
        name = "" if program == NO_PROGRAM else programs.name(program)
        file.tracks.append(_track(name, port, messages))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _instruments(score: Score, spans: list[Span], slots: list[Slot]) -> dict[tuple[int, int], list[Message]]:
    """The messages of each (program, port), in the order of these."""
    tracks: dict[tuple[int, int], list[Message]] = {}
    velocities = [*score.velocity.tolist(), *[127] * len(score.pedal)]
    for place, slot, change in slots:
        onset, end, program, pitch = spans[place]
        port, channel = divmod(slot, PITCHED)
        channel = PERCUSSION if program == DRUMS else channel + (channel >= PERCUSSION)
        messages = tracks.setdefault((program, port), [])
        if change is not None:
            number = score.kit if program == DRUMS else program
            messages.append((change, CHANGES, place, mido.Message("program_change", channel=channel, program=number)))
        first, last = _pair(channel, pitch, velocities[place])
        messages += [(onset, STARTS, place, first), (end, ENDS, place, last)]
    if len(tracks) > MOST_TRACKS:  # programs that wander between ports: one track a port
        found, tracks = tracks, {}
        for (_, port), messages in found.items():
            tracks.setdefault((NO_PROGRAM, port), []).extend(messages)
    return dict(sorted(tracks.items(), key=lambda item: item[0]))


def _fitting(score: Score) -> Score:
    """The score with no more ticks in a quarter note than a file can state."""
    factor = -(-score.ticks_per_quarter // MAX_TICKS_PER_QUARTER)
    if factor == 1:
        return score
    onset, end = score.onset // factor, (score.onset + score.duration) // factor
    return dataclasses.replace(
        score,
        ticks_per_quarter=score.ticks_per_quarter // factor,
        onset=onset,
        duration=np.maximum(end - onset, 1),
        tempo_tick=score.tempo_tick // factor,
        tempo=score.tempo * factor * (score.ticks_per_quarter // factor) // score.ticks_per_quarter,
        meter_tick=score.meter_tick // factor,
        length=score.length // factor + 1,
        pedal=score.pedal // np.array([factor, factor, 1]),
    )


def _conductor(score: Score) -> mido.MidiTrack:
    messages: list[Message] = []
    for tick, tempo in zip(score.tempo_tick.tolist(), score.tempo.tolist()):
        messages.append((tick, CHANGES, 0, mido.MetaMessage("set_tempo", tempo=min(max(tempo, 1), 0xFFFFFF))))
    for tick, (numerator, denominator) in zip(score.meter_tick.tolist(), score.meter.tolist()):
        if denominator.bit_count() == 1 and 0 < numerator < 256:
            meter = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
            messages.append((tick, STARTS, 0, meter))
    messages.append((score.length, STARTS, 0, mido.MetaMessage("end_of_track")))
    return _track(score.title, 0, messages)


def _spans(score: Score) -> list[Span]:
    """What sounds: the notes in their order, then the pedals."""
    ends = (score.onset + score.duration).tolist()
    notes = list(zip(score.onset.tolist(), ends, score.program.tolist(), score.pitch.tolist()))
    return notes + [(onset, onset + length, program, PEDAL) for onset, length, program in score.pedal.tolist()]


def _slots(spans: list[Span]) -> list[Slot]:
    """A slot for each span, by onset. Drums have the percussion channel, whatever their slot."""
    pitched = sorted({program for _, _, program, _ in spans} - {DRUMS})
    shared = len(pitched) > PITCHED
    slots = {DRUMS: 0} if shared else {DRUMS: 0, **{program: slot for slot, program in enumerate(pitched)}}
    owner: list[int] = [] if shared else pitched
    free_from = [0] * len(owner)
    told = set[int]()  # programs that their channel has been changed to
    result = []
    for place in sorted(range(len(spans)), key=lambda place: (spans[place][0], place)):
        onset, end, program, _ = spans[place]
        if program not in slots:
            slot = _free_slot(free_from, onset)
            if slot == len(owner):
                owner.append(program)
                free_from.append(0)
            told.discard(owner[slot])
            slots.pop(owner[slot], None)
            owner[slot] = program
            slots[program] = slot
        slot = slots[program]
        if program != DRUMS:
            free_from[slot] = max(free_from[slot], end)
        begin = onset if shared and program != DRUMS else 0
        result.append((place, slot, None if program in told else begin))
        told.add(program)
    return result


def _free_slot(free_from: list[int], onset: int) -> int:
    """An unused slot of port 0, else the slot that has been silent longest, else a new one."""
    if len(free_from) < PITCHED:
        return len(free_from)
    slot = min(range(len(free_from)), key=free_from.__getitem__)
    return slot if free_from[slot] <= onset else len(free_from)


def _pair(channel: int, pitch: int, velocity: int) -> tuple[mido.Message, mido.Message]:
    """What begins and what ends a note, or the pedal."""
    if pitch == PEDAL:
        down = mido.Message("control_change", channel=channel, control=SUSTAIN, value=127)
        return down, down.copy(value=0)
    on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
    return on, mido.Message("note_off", channel=channel, note=pitch, velocity=0)


def _track(name: str, port: int, messages: list[Message]) -> mido.MidiTrack:
    """A track of its messages, which get their delta times."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)] if name else [])
    if port:
        track.append(mido.MetaMessage("midi_port", port=port))
    now = 0
    for tick, _, _, message in sorted(messages, key=lambda item: item[:3]):
        message.time = min(tick - now, MAX_DELTA)
        now = tick
        track.append(message)
    if not messages or messages[-1][3].type != "end_of_track":
        track.append(mido.MetaMessage("end_of_track"))
    return track
