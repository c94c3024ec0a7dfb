// The page: connects, makes the rooms that the server has, shows one of them at a time.
//
// A room is a file rooms/NAME.js that defines <seq-room-NAME> with a method enter({link, hello, room}), which is called
// when the server says hello, and again after a break; `room` is what the server's room tells in its greeting.

import { Link } from "./link.js";

const link = new Link("/talk");
const rooms = new Map();
const [state, nav, main] = [document.querySelector("#state"), document.querySelector("nav"), document.querySelector("main")];

link.on("down", () => { state.textContent = "No connection: is `seqgen studio` still running? Its new address has a new token."; });
link.on("hello", async (hello) => {
  for (const room of hello.rooms) {
    if (!rooms.has(room.name)) await open(room);
    rooms.get(room.name).view.enter({ link, hello, room });
  }
  nav.hidden = rooms.size < 2;
  const wanted = location.hash.slice(1);
  show(rooms.has(wanted) ? wanted : hello.rooms[0].name);
  state.textContent = "";
  document.body.dataset.ready = "true";
});
addEventListener("hashchange", () => { if (rooms.has(location.hash.slice(1))) show(location.hash.slice(1)); });

/** Other rooms, and the components in them, ask for a room by an event: new CustomEvent("room", {bubbles, detail: {name, …}}). */
main.addEventListener("room", (event) => {
  const { name } = event.detail;
  if (!rooms.has(name)) return;
  location.hash = name;
  rooms.get(name).view.asked?.(event.detail);
});

async function open(room) {
  await import(`./rooms/${room.name}.js`);
  const [button, view] = [document.createElement("button"), document.createElement(`seq-room-${room.name}`)];
  button.type = "button";
  button.textContent = room.title;
  button.addEventListener("click", () => { location.hash = room.name; });
  view.setAttribute("aria-label", room.title);
  view.setAttribute("role", "region");
  nav.append(button);
  main.append(view);
  rooms.set(room.name, { button, view });
}

function show(name) {
  for (const [each, { button, view }] of rooms) {
    view.hidden = each !== name;
    if (each === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
}
