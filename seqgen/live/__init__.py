"""A model as an instrument: controls, ports, clock, scheduler, modes. Knows no command line.

Times are seconds of the monotonic clock; positions are quarter notes of the song, as MIDI's song position counts them.
"""
