// p5.js: a circle for each note of `seqgen jam MODEL --websocket 8765 --origin https://preview.p5js.org`.
let notes = [];
const socket = new WebSocket("ws://localhost:8765/");
socket.onmessage = (message) => {
  const event = JSON.parse(message.data);
  if (event.event === "note") notes.push({ ...event, born: millis() });
};

function setup() {
  createCanvas(800, 400);
  noStroke();
}

function draw() {
  background(20);
  notes = notes.filter((note) => millis() - note.born < 1000 * note.seconds + 500);
  for (const note of notes) {
    const age = (millis() - note.born) / 1000;
    fill((note.channel * 40) % 255, 160, 220, 255 * Math.max(0, 1 - age / (note.seconds + 0.5)));
    circle(map(note.pitch, 30, 100, 0, width), height / 2, note.velocity / 2 + 20 * age);
  }
}

function mouseDragged() {
  socket.send(JSON.stringify({ temperature: constrain(map(mouseX, 0, width, 0, 2), 0, 2) }));
}
