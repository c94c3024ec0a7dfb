"""Music: MIDI files (and MusicXML and ABC, which are read into the same `Score`) as token ids."""
