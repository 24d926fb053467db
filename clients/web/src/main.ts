/** The page's life: log in, join, draw, listen, come back after a reload. */
import { type Guest, LoginError, loginAsGuest, requestTicket, Session } from "@worldline/sdk";

import { listen } from "./keyboard.ts";
import { loadMap } from "./map.ts";
import { Renderer } from "./render.ts";

// Kept for the tab, so that two tabs are two players and a reload is the same one.
const TOKEN = "worldline.guest";

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const login = element<HTMLFormElement>("login");
const problem = element<HTMLParagraphElement>("problem");
const status = element<HTMLParagraphElement>("status");
const chat = element<HTMLFormElement>("chat");
const line = element<HTMLInputElement>("line");
const renderer = new Renderer(element<HTMLCanvasElement>("game"));

let session: Session | undefined;

function say(text: string): void {
  status.textContent = text;
  status.hidden = text === "";
}

function brief(text: string): void {
  say(text);
  setTimeout(() => status.textContent === text && say(""), 2_000);
}

async function join(guest: Guest): Promise<void> {
  const { ticket, endpoint } = await requestTicket("", guest);
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  login.hidden = true;
  session = new Session(url.href, ticket, {
    ready: (_, resumed) => resumed && brief("Back again."),
    area: (screen) => {
      document.body.dataset["area"] = screen.area;
      chat.hidden = false;
      say("");
      void loadMap(screen.mapUrl).then((map) => renderer.show(map));
    },
    transit: (area, how) => say(how === "opening" ? `${area} is being opened…` : `To ${area}…`),
    rejected: (_, __, message) => brief(message),
    lost: () => say("Connection lost; reconnecting…"),
    ended: (_, why) => {
      chat.hidden = true;
      say("");
      login.hidden = false;
      problem.textContent = why || "The session ended.";
    },
  });
  // For people with a console, and for the browser test.
  Object.assign(globalThis, { worldline: session });
}

async function start(who: Parameters<typeof loginAsGuest>[1]): Promise<void> {
  problem.textContent = "";
  try {
    const guest = await loginAsGuest("", who);
    sessionStorage.setItem(TOKEN, guest.token);
    await join(guest);
  } catch (error) {
    login.hidden = false;
    if (error instanceof LoginError && "token" in who) sessionStorage.removeItem(TOKEN);
    problem.textContent = error instanceof LoginError ? error.message : "The server cannot be reached.";
  }
}

login.addEventListener("submit", (event) => {
  event.preventDefault();
  void start({ name: element<HTMLInputElement>("name").value });
});

chat.addEventListener("submit", (event) => {
  event.preventDefault();
  if (line.value.trim()) session?.say(line.value.trim());
  line.value = "";
  line.blur();
});

line.addEventListener("keydown", (event) => event.key === "Escape" && line.blur());

listen(
  (bits) => session?.input(bits),
  (code) => {
    if (code === "KeyE") session?.useDoor();
    if (code === "Enter" && !chat.hidden) line.focus();
  },
);

function draw(now: number): void {
  if (session) renderer.draw(session.screen, session.clock.step(now));
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);

const token = sessionStorage.getItem(TOKEN);
if (token) {
  login.hidden = true;
  void start({ token });
}
