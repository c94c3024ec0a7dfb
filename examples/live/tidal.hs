-- Tidal: a pattern that follows what `seqgen jam MODEL --osc-to tidal` plays.
d1 $ note (cF 0 "seqgen_note") # s "superpiano" # gain (cF 0.8 "seqgen_gain") # sustain (cF 0.5 "seqgen_sustain")
