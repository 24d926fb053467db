/** The end of a session: why, and where to go from here. */
import { CloseCode, type Login } from "@worldline/sdk";

import { button, element, showPanel } from "./dom.ts";

/** What is said when the world has closed the door. */
export function farewell(code: number, why: string): { title: string; text: string } {
  switch (code) {
    case CloseCode.Replaced:
      return {
        title: "Playing elsewhere",
        text: "This character was taken over in another tab or on another device. It can only be in one place.",
      };
    case CloseCode.Outdated:
      return { title: "There is a newer version", text: "Reload the page to play with it." };
    case CloseCode.Full:
      return { title: "The world is full", text: "No more players fit in just now. Try again in a moment." };
    case CloseCode.SessionEnded:
      return { title: "You have left the world", text: why ? `The server says: ${why}.` : "Your session has ended." };
    default:
      return { title: "The connection is lost", text: why ? `The server says: ${why}.` : "The server does not answer." };
  }
}

/** Where one can go from here. */
export interface Ways {
  /** Into the world again, with the same character. */
  again(): void;
  /** To the list of characters. */
  characters(): void;
}

export function openOver(login: Login, code: number, why: string, ways: Ways): void {
  const { title, text } = farewell(code, why);
  element("over-title").textContent = title;
  element("over-text").textContent = text;
  const actions = code === CloseCode.Outdated
    ? [button("Reload", () => location.reload(), "main")]
    : [button(code === CloseCode.Replaced ? "Play here" : "Play again", ways.again, "main")];
  if (!login.isGuest && code !== CloseCode.Outdated) actions.push(button("Characters", ways.characters));
  element("over-actions").replaceChildren(...actions);
  showPanel("over");
  actions[0]!.focus();
}
