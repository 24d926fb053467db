/** In the world: the session, its picture, and what is said on the way. */
import { type Login, requestTicket, Session } from "@worldline/sdk";

import { element, showPanel } from "./dom.ts";
import { listen } from "./keyboard.ts";
import { loadMap } from "./map.ts";
import { DELAY, Renderer } from "./render.ts";

const status = element<HTMLParagraphElement>("status");
const chat = element<HTMLFormElement>("chat");
const line = element<HTMLInputElement>("line");
const game = element<HTMLCanvasElement>("game");
const renderer = new Renderer(game);

let session: Session | undefined;

function say(text: string): void {
  status.textContent = text;
  status.hidden = text === "";
}

function brief(text: string): void {
  say(text);
  setTimeout(() => status.textContent === text && say(""), 2_000);
}

/** Joins the world, in somebody's party if one is named; `over` is told when the session has ended by itself. */
export async function join(
  login: Login,
  character: string,
  company: string,
  over: (code: number, why: string) => void,
): Promise<void> {
  const { ticket, endpoints } = await requestTicket(login, character, company);
  const urls = endpoints.map((endpoint) => {
    const url = new URL(endpoint, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  });
  leave("close");
  showPanel("none");
  const joined = new Session(urls, ticket, {
    ready: (_, resumed) => resumed && brief("Back again."),
    area: (screen) => {
      document.body.dataset["area"] = screen.area;
      chat.hidden = false;
      say("");
      void loadMap(screen.mapUrl).then((map) => renderer.show(map));
    },
    transit: (area, how) => say(how === "opening" ? `${area} is being opened…` : how === "moved" ? `No room here: on to ${area}…` : `To ${area}…`),
    rejected: (_, __, message) => brief(message),
    lost: () => say("Connection lost; reconnecting…"),
    ended: (code, why) => {
      if (session !== joined) return;
      forget();
      over(code, why);
    },
  });
  session = joined;
  // For people with a console, and for the browser test.
  Object.assign(globalThis, { worldline: joined });
}

/** Ends the session from our side: `leave` takes the body out of the world, `close` only the socket. */
export function leave(how: "leave" | "close"): void {
  const left = session;
  forget();
  if (how === "leave") left?.leave();
  else left?.close();
}

function forget(): void {
  session = undefined;
  Object.assign(globalThis, { worldline: undefined });
  delete document.body.dataset["area"];
  chat.hidden = true;
  say("");
}

/** Draws, and listens to the keyboard; `menu` is called for Escape. */
export function startPlaying(menu: () => void): void {
  chat.addEventListener("submit", (event) => {
    event.preventDefault();
    if (line.value.trim()) session?.say(line.value.trim());
    line.value = "";
    game.focus();
  });
  line.addEventListener("keydown", (event) => event.key === "Escape" && game.focus());
  listen(
    (bits) => session?.input(bits),
    (code) => {
      if (!session) return;
      if (code === "KeyE") session.useDoor();
      if (code === "Enter" && !chat.hidden) line.focus();
      if (code === "Escape") menu();
    },
  );
  const draw = (now: number) => {
    if (session) renderer.draw(session.screen, session.clock.step(now) - DELAY);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}
