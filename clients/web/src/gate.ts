/** Before the login: whether this page is new enough, and a word about it when it is not. */
import { checkResources, type Resources, VERSION } from "@worldline/sdk";

import { button, element, make, showPanel } from "./dom.ts";

/** How long the question may hold up the login. */
const PATIENCE_MS = 3_000;

/**
 * Asks whether this page may go on to the login. `false`: it is too old, and says so. When there is only something
 * newer, it says that on the side and goes on; when nobody answers, the login will tell.
 */
export async function gate(base = ""): Promise<boolean> {
  const asked: Promise<Resources | undefined> = checkResources(base, VERSION).catch(() => undefined);
  const patience = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS));
  const told = await Promise.race([asked, patience]);
  if (told?.status === "outdated") {
    refuse(told.message);
    return false;
  }
  if (told?.status === "update") suggest();
  return true;
}

function reload(): HTMLButtonElement {
  return button("Reload", () => location.reload(), "main");
}

function refuse(message: string): void {
  const title = make("h1", { id: "gate-title", tabIndex: -1 }, "This version is too old");
  const text = make("p", {}, message);
  text.setAttribute("role", "alert");
  const panel = make("section", { id: "gate", className: "panel", hidden: true }, title, text, reload());
  panel.setAttribute("aria-labelledby", title.id);
  document.getElementById("gate")?.remove();
  element("panels").append(panel);
  showPanel("gate");
}

function suggest(): void {
  const later = button("Later", () => news.remove(), "quiet");
  const row = make("div", { className: "row" }, reload(), later);
  const news = make("aside", { id: "newer", className: "panel" }, make("p", {}, "A newer version is out: reload to play with it."), row);
  news.setAttribute("role", "status");
  Object.assign(news.style, { position: "fixed", right: "1rem", bottom: "1rem" });
  document.body.append(news);
}
