// The page's one WebSocket: messages in and out as JSON objects; it comes back by itself after a break.
//
//   link.send({do: "play.stop"});  link.send({temperature: 0.7});
//   link.on("tokens", (event) => …);      // events of the server by name, and "up" and "down" of the connection

const [SOON, LATE] = [300, 5000]; // ms until it is tried again

export class Link {
  #heard = new Map();
  #socket = null;
  #pause = SOON;
  #path;

  constructor(path) {
    this.#path = path;
    this.#connect();
  }

  get up() { return this.#socket?.readyState === WebSocket.OPEN; }

  on(name, act) {
    if (!this.#heard.has(name)) this.#heard.set(name, []);
    this.#heard.get(name).push(act);
  }

  /** Sends a message; whether it could be sent. */
  send(message) {
    if (this.up) this.#socket.send(JSON.stringify(message));
    return this.up;
  }

  #tell(name, event) { for (const act of this.#heard.get(name) ?? []) act(event); }

  #connect() {
    const socket = new WebSocket(`ws://${location.host}${this.#path}`);
    this.#socket = socket;
    socket.onopen = () => { this.#pause = SOON; this.#tell("up", {}); };
    socket.onmessage = (message) => { const event = JSON.parse(message.data); this.#tell(event.event, event); };
    socket.onclose = () => {
      this.#tell("down", {});
      setTimeout(() => this.#connect(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LATE);
    };
  }
}
