/** The little that the page's panels need to be built from. */

/** The element with this id; the page is written so that it is there. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** A new element. Texts become text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A button that does something. */
export function button(text: string, pressed: () => void, className = ""): HTMLButtonElement {
  const made = make("button", { type: "button", className }, text);
  made.addEventListener("click", pressed);
  return made;
}

const PANELS = ["gate", "login", "characters", "over"] as const;

/** Shows one panel, or none, and takes the focus there. */
export function showPanel(which: (typeof PANELS)[number] | "none"): void {
  for (const id of PANELS) {
    const panel = document.getElementById(id);
    if (panel) panel.hidden = id !== which;
  }
  element("panels").hidden = which === "none";
  if (which === "none") element("game").focus();
  else focusFirst(element(which));
}

/** The first field that is empty and seen, else the heading. */
export function focusFirst(panel: HTMLElement): void {
  const fields = [...panel.querySelectorAll<HTMLInputElement>("input:not([type=checkbox])")];
  const field = fields.find((one) => one.value === "" && one.checkVisibility());
  (field ?? panel.querySelector<HTMLElement>("h1, h2"))?.focus();
}
