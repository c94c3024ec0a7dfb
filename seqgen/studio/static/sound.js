// Sound: notes in seconds played by Web Audio, with timbres of our own by General MIDI family, and drums.
//
//   const player = new Player(new AudioContext());      // or an OfflineAudioContext, which gets all notes at once
//   player.play(notes, 12.5);                           // [{start, duration, pitch, velocity, program, drum}], from there
//   player.stop();  player.strike(note);  player.add(note);
//   player.rate = 1.2;  player.transpose = -2;  player.volume = 0.8;  player.loop = [4, 8];  // all at once, while it plays
//   player.position;  player.playing;  player.onended = () => {};
//
// A timer looks ahead a little and starts what is due by the context's own clock (as "A Tale of Two Clocks", Wilson 2013).

import { drumOf, familyOf } from "./timbres.js";

const TURN = 25; // ms between two looks
const AHEAD = 0.07; // seconds that are planned: what is turned is heard after them
const HIDDEN = 1.6; // seconds that are planned while the page is in the background, whose timers rest
const VOICES = 96; // that sound at once
const BEGIN = 0.03; // seconds from the call to the first note

export class Player {
  #waves = new Map();
  #noise = null;
  #notes = [];
  #next = 0;
  #from = 0; // seconds of the music at #since
  #since = 0; // on the context's clock
  #timer = 0;
  #voices = new Set();
  #rate = 1;
  #master = null;
  loop = null;
  transpose = 0;
  onended = () => {};

  constructor(context) {
    this.context = context;
    this.live = "resume" in context && !("startRendering" in context);
    this.#master = context.createGain();
    const press = context.createDynamicsCompressor();
    [press.threshold.value, press.ratio.value, press.attack.value, press.release.value] = [-16, 5, 0.004, 0.2];
    this.#master.connect(press).connect(context.destination);
    const room = context.createConvolver();
    room.buffer = hall(context);
    const wet = context.createGain();
    wet.gain.value = 0.16;
    this.#master.connect(room).connect(wet).connect(press);
    this.volume = 1;
  }

  get volume() { return this.#master.gain.value / 0.5; }

  set volume(value) { this.#master.gain.value = 0.5 * value; }

  get rate() { return this.#rate; }

  set rate(value) {
    [this.#from, this.#since] = [this.position, this.playing ? Math.max(this.context.currentTime, this.#since) : 0];
    this.#rate = value;
  }

  get playing() { return this.#timer !== 0; }

  /** Where the music is, in its own seconds. */
  get position() {
    if (!this.playing) return this.#from;
    return this.#from + Math.max(this.context.currentTime - this.#since, 0) * this.#rate;
  }

  play(notes, from = 0) {
    this.stop();
    this.#notes = [...notes].sort((one, other) => one.start - other.start);
    if (!this.live) {
      for (const note of this.#notes) if (note.start >= from) this.#sound(note, (note.start - from) / this.#rate);
      return;
    }
    this.context.resume();
    [this.#from, this.#since] = [from, this.context.currentTime + BEGIN];
    this.#next = this.#notes.findIndex((note) => note.start >= from - 1e-6);
    if (this.#next < 0) this.#next = this.#notes.length;
    this.#timer = setInterval(() => this.#turn(), TURN);
    this.#turn();
  }

  stop() {
    this.#from = this.position;
    clearInterval(this.#timer);
    this.#timer = 0;
    for (const voice of this.#voices) voice.end();
    this.#voices.clear();
  }

  /** One more note of what plays; it sounds if its time has not passed. */
  add(note) {
    let at = this.#notes.length;
    while (at > 0 && this.#notes[at - 1].start > note.start) at -= 1;
    this.#notes.splice(at, 0, note);
    if (at < this.#next) this.#next += 1;
  }

  /** A note now, or so many seconds from now. */
  strike(note, after = 0) {
    if (this.live) this.context.resume();
    this.#sound(note, this.context.currentTime + after);
  }

  #turn() {
    const ahead = document.hidden ? HIDDEN : AHEAD;
    const [now, horizon] = [this.position, this.position + ahead * this.#rate];
    const limit = this.loop ? this.loop[1] : Infinity;
    while (this.#next < this.#notes.length && this.#notes[this.#next].start < Math.min(horizon, limit)) {
      const note = this.#notes[this.#next++];
      const when = this.#since + (note.start - this.#from) / this.#rate;
      this.#sound(note, Math.max(when, this.context.currentTime));
    }
    if (this.loop && now >= limit - 1e-3) {
      this.play(this.#notes, this.loop[0]);
    } else if (this.#next >= this.#notes.length && now > this.#end() && !this.growing) {
      this.stop();
      [this.#from] = [0];
      this.onended();
    }
  }

  growing = false; // whether notes may still come, so that the end is no end

  #end() { return this.#notes.reduce((most, note) => Math.max(most, note.start + note.duration), 0); }

  #sound(note, when) {
    while (this.#voices.size >= VOICES) {
      const [oldest] = this.#voices;
      oldest.end();
      this.#voices.delete(oldest);
    }
    const voice = note.drum ? this.#drum(note, when) : this.#tone(note, when);
    if (voice && this.live) {
      this.#voices.add(voice);
      voice.source.onended = () => { this.#voices.delete(voice); voice.out.disconnect(); };
    }
  }

  #tone(note, when) {
    const pitch = note.pitch + this.transpose;
    if (pitch < 0 || pitch > 127) return null;
    const [timbre, context] = [familyOf(note.program), this.context];
    const held = Math.max(note.duration / this.#rate, 0.04);
    const [loud, end] = [0.2 * timbre.gain * (note.velocity / 127) ** 1.6, when + held + timbre.release];
    const out = context.createGain();
    const shape = out.gain;
    const fade = timbre.decay * 2 ** ((60 - pitch) / 24);
    shape.setValueAtTime(0, when);
    shape.linearRampToValueAtTime(loud, when + timbre.attack);
    shape.setTargetAtTime(loud * timbre.sustain, when + timbre.attack, fade);
    shape.setTargetAtTime(0, when + held, timbre.release / 4);
    const filter = context.createBiquadFilter();
    const hertz = 440 * 2 ** ((pitch - 69) / 12);
    filter.frequency.setValueAtTime(Math.min(hertz * (6 + note.velocity / 10), 16000), when);
    if (timbre.damping) filter.frequency.setTargetAtTime(Math.min(hertz * 2, 12000), when, 0.9 / timbre.damping);
    filter.connect(out).connect(this.#master);
    const turns = timbre.chorus ? [-timbre.chorus, timbre.chorus] : [0];
    const sources = turns.map((turn) => {
      const source = context.createOscillator();
      source.setPeriodicWave(this.#wave(timbre));
      source.frequency.value = hertz * (1 + turn);
      if (timbre.vibrato) this.#sway(source, hertz * timbre.vibrato * 3, when, end);
      source.connect(filter);
      source.start(when);
      source.stop(end);
      return source;
    });
    return { source: sources[0], out, end: () => this.#cut(shape, sources) };
  }

  #sway(source, depth, when, end) {
    const [sway, amount] = [this.context.createOscillator(), this.context.createGain()];
    sway.frequency.value = 5.3;
    amount.gain.setValueAtTime(0, when);
    amount.gain.linearRampToValueAtTime(depth, when + 0.5);
    sway.connect(amount).connect(source.frequency);
    sway.start(when);
    sway.stop(end);
  }

  #drum(note, when) {
    const [hit, context] = [drumOf(note.pitch), this.context];
    const out = context.createGain();
    out.gain.value = 0.5 * (note.velocity / 127) ** 1.6;
    out.connect(this.#master);
    const long = 5 * Math.max(hit.tone, hit.decay);
    const [rush, burst] = [context.createBufferSource(), context.createGain()];
    rush.buffer = this.#noise ??= noiseOf(context, 1.5);
    const filter = context.createBiquadFilter();
    [filter.type, filter.frequency.value] = hit.bright ? ["highpass", 5000] : ["lowpass", 1200];
    burst.gain.setValueAtTime(hit.noise, when);
    burst.gain.setTargetAtTime(0, when, hit.decay);
    rush.connect(filter).connect(burst).connect(out);
    rush.start(when, 0, long);
    const sources = [rush];
    if (hit.hertz) {
      const [tone, body] = [context.createOscillator(), context.createGain()];
      tone.frequency.setValueAtTime(hit.hertz * (1 + hit.sweep), when);
      tone.frequency.setTargetAtTime(hit.hertz, when, 0.025);
      body.gain.setValueAtTime(1, when);
      body.gain.setTargetAtTime(0, when, hit.tone);
      tone.connect(body).connect(out);
      tone.start(when);
      tone.stop(when + long);
      sources.push(tone);
    }
    return { source: rush, out, end: () => this.#cut(out.gain, sources) };
  }

  #cut(gain, sources) {
    const now = this.context.currentTime;
    gain.cancelScheduledValues(now);
    gain.setTargetAtTime(0, now, 0.015);
    for (const source of sources) source.stop(now + 0.1);
  }

  #wave(timbre) {
    if (!this.#waves.has(timbre)) {
      const imaginary = new Float32Array([0, ...timbre.harmonics]);
      this.#waves.set(timbre, this.context.createPeriodicWave(new Float32Array(imaginary.length), imaginary));
    }
    return this.#waves.get(timbre);
  }
}

/** Noise that is the same each time, in [-1, 1]. */
function noiseOf(context, seconds) {
  const buffer = context.createBuffer(1, Math.ceil(seconds * context.sampleRate), context.sampleRate);
  const data = buffer.getChannelData(0);
  let state = 12345;
  for (let at = 0; at < data.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[at] = state / 2147483648;
  }
  return buffer;
}

/** The echo of a small hall: noise that fades. */
function hall(context, seconds = 1.3) {
  const [length, rate] = [Math.ceil(seconds * context.sampleRate), context.sampleRate];
  const buffer = context.createBuffer(2, length, rate);
  const noise = noiseOf(context, 2 * seconds + 0.01).getChannelData(0);
  for (const channel of [0, 1]) {
    const data = buffer.getChannelData(channel);
    for (let at = 0; at < length; at += 1) data[at] = at < 0.012 * rate ? 0 : noise[channel * length + at] * Math.exp((-6.9 * at) / length);
  }
  return buffer;
}
