/** The end of a session: why, and where to go from here. */
import { CloseCode, type Login } from "@worldline/sdk";

import { button, element, showPanel } from "./dom.ts";
import { farewell } from "./words.ts";

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
