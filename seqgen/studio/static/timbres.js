// How instruments sound, by General MIDI family, and drums: numbers of our own, those of seqgen/render/timbres.py.

const HARMONICS = {
  piano: [1, 0.6, 0.35, 0.3, 0.18, 0.12, 0.05, 0.06, 0.04, 0.03],
  bells: [1, 0.05, 0.02, 0.35, 0, 0, 0, 0, 0, 0.12],
  organ: [1, 0.9, 0.5, 0.7, 0.2, 0.35, 0.08, 0.4, 0.05, 0.2, 0, 0.15],
  guitar: [1, 0.7, 0.5, 0.3, 0.2, 0.15, 0.1, 0.06, 0.04],
  bass: [1, 0.8, 0.45, 0.25, 0.12, 0.06],
  strings: [1, 0.9, 0.75, 0.6, 0.45, 0.35, 0.26, 0.2, 0.15, 0.1, 0.07],
  voices: [1, 0.9, 0.8, 0.5, 0.35, 0.25, 0.15, 0.13, 0.1, 0.06],
  brass: [1, 1.1, 1.1, 0.9, 0.7, 0.5, 0.36, 0.25, 0.17, 0.1],
  reed: [0.8, 0.35, 1, 0.3, 0.7, 0.25, 0.4, 0.12, 0.18, 0.08],
  pipe: [1, 0.6, 0.25, 0.1, 0.05, 0.02],
  lead: [1, 0.5, 0.33, 0.25, 0.2, 0.16, 0.14, 0.12, 0.11, 0.1],
  pad: [1, 0.5, 0.3, 0.15, 0.1, 0.06],
  sweep: [1, 0.3, 0.4, 0.1, 0.2, 0.05, 0.1],
  plucked: [1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1],
  struck: [1, 0.2, 0.5, 0.1, 0.2],
  noises: [1, 0.4, 0.3, 0.2],
};

// Seconds of attack, decay and release; the share that stays while a note is held; how fast high harmonics die;
// vibrato and detuning in parts of the frequency; loudness.
const FAMILIES = [
  timbre("piano", 0.003, 1.6, 0, 0.25, { damping: 0.35, gain: 1.3 }),
  timbre("bells", 0.002, 1.2, 0, 0.6, { damping: 0.9 }),
  timbre("organ", 0.025, 1, 1, 0.16, { chorus: 0.0008 }),
  timbre("guitar", 0.003, 1, 0, 0.15, { damping: 0.9, gain: 1.2 }),
  timbre("bass", 0.005, 1.4, 0.15, 0.1, { damping: 0.9, gain: 1.4 }),
  timbre("strings", 0.07, 1, 0.8, 0.25, { vibrato: 0.0022, chorus: 0.0012 }),
  timbre("voices", 0.09, 1, 0.85, 0.32, { vibrato: 0.0018, chorus: 0.0022 }),
  timbre("brass", 0.04, 0.3, 0.75, 0.14, { vibrato: 0.0008, gain: 0.9 }),
  timbre("reed", 0.035, 0.5, 0.85, 0.12, { vibrato: 0.001 }),
  timbre("pipe", 0.05, 0.5, 0.85, 0.15, { vibrato: 0.0024 }),
  timbre("lead", 0.008, 0.4, 0.7, 0.12, { chorus: 0.0015, gain: 0.7 }),
  timbre("pad", 0.3, 1, 0.9, 0.7, { chorus: 0.003, gain: 0.8 }),
  timbre("sweep", 0.15, 1.5, 0.4, 0.8, { damping: 0.1, chorus: 0.003, gain: 0.8 }),
  timbre("plucked", 0.002, 0.7, 0, 0.2, { damping: 1.4 }),
  timbre("struck", 0.002, 0.25, 0, 0.3, { damping: 3 }),
  timbre("noises", 0.1, 1, 0.5, 0.4, { vibrato: 0.01, chorus: 0.006, gain: 0.5 }),
];

// A swept sine and a burst of noise: Hz, sweep in parts of it, seconds of decay of both, loudness of the noise.
const KNOCK = { hertz: 0, sweep: 0, tone: 0.01, noise: 0.4, decay: 0.025, bright: true };
const [KICK, SNARE] = [drum(48, 3, 0.13, 0.15, 0.01), drum(185, 0.4, 0.07, 0.8, 0.09)];
const [STICK, CLAP] = [drum(420, 0, 0.02, 0.4, 0.015), drum(0, 0, 0.01, 0.8, 0.08)];
const [HAT, OPEN, SHAKER] = [KNOCK, { ...KNOCK, decay: 0.16 }, { ...KNOCK, decay: 0.06 }];
const [CYMBAL, RIDE] = [{ ...KNOCK, noise: 0.45, decay: 0.55 }, drum(900, 0, 0.15, 0.3, 0.3)];
const DRUMS = {
  35: KICK, 36: KICK, 37: STICK, 38: SNARE, 39: CLAP, 40: SNARE, 42: HAT, 44: HAT, 46: OPEN, 49: CYMBAL, 51: RIDE,
  52: CYMBAL, 53: RIDE, 54: SHAKER, 55: CYMBAL, 57: CYMBAL, 59: RIDE, 69: SHAKER, 70: SHAKER, 82: SHAKER,
};
for (const pitch of [41, 43, 45, 47, 48, 50]) DRUMS[pitch] = { ...drum(60 + 14 * (pitch - 41), 0.6, 0.16, 0.1, 0.02), bright: false };

/** The timbre of a General MIDI program, 0 to 127. */
export function familyOf(program) { return FAMILIES[(program >> 3) & 15]; }

/** The sound of a key of the percussion channel; one without a sound of its own is a short pitched knock. */
export function drumOf(pitch) { return DRUMS[pitch] ?? drum(330 * 2 ** ((pitch - 60) / 24), 0.1, 0.06, 0.25, 0.03); }

function timbre(name, attack, decay, sustain, release, more) {
  return { harmonics: HARMONICS[name], attack, decay, sustain, release, damping: 0, vibrato: 0, chorus: 0, gain: 1, ...more };
}

function drum(hertz, sweep, tone, noise, decay) { return { hertz, sweep, tone, noise, decay, bright: true }; }
