/** The character list of an account: play, create, delete, and think better of it. */
import {
  type Character, createCharacter, deleteCharacter, listCharacters, type Login, Problem, restoreCharacter,
} from "@worldline/sdk";

import { confirmed } from "./confirm.ts";
import { button, element, focusFirst, make, showPanel } from "./dom.ts";
import { onSubmit } from "./forms.ts";
import { anotherName } from "./names.ts";
import { describe, sentence, words } from "./words.ts";

const list = element<HTMLUListElement>("character-list");
const news = element("character-news");
const form = element<HTMLFormElement>("create");
const nameField = element<HTMLInputElement>("create-name");
const company = element<HTMLInputElement>("company-name");

let login: Login | undefined;
let play: (login: Login, character: string, company: string) => Promise<void>;

/** Prepares the panel; `played` takes a chosen character into the world. */
export function preparePanel(played: typeof play): void {
  play = played;
  onSubmit(form, async () => {
    const character = await create(nameField.value);
    nameField.value = "";
    await refresh(`${character.name} is ready.`);
    list.querySelector<HTMLElement>(`[data-character="${CSS.escape(character.id)}"] button`)?.focus();
  });
}

/** Shows the list, and news if there are any. */
export async function openCharacters(of: Login, text = ""): Promise<void> {
  login = of;
  list.replaceChildren();
  form.querySelector("[role=alert]")!.textContent = "";
  showPanel("characters");
  await refresh(text);
  const first = list.querySelector<HTMLElement>("button");
  if (first) first.focus();
  else focusFirst(element("characters"));
}

async function refresh(text: string): Promise<void> {
  if (!login) return;
  try {
    const characters = await listCharacters(login);
    list.replaceChildren(...characters.map(row));
    element("no-characters").hidden = characters.length > 0;
    element("company").hidden = characters.length === 0;
    news.textContent = text;
  } catch (error) {
    news.textContent = words(error);
  }
}

async function create(name: string): Promise<Character> {
  try {
    return await createCharacter(login!, name);
  } catch (error) {
    if (error instanceof Problem && error.code === "name_taken") {
      nameField.value = anotherName(name);
      nameField.select();
      throw new Problem(error.status, error.code, `${sentence(error.message)} How about “${nameField.value}”?`);
    }
    throw error;
  }
}

function row(character: Character): HTMLLIElement {
  const title = make("strong", {}, character.name);
  const about = make("span", { className: "about" }, describe(character));
  const actions = make("span", { className: "actions" });
  if (character.goneAt === undefined) {
    actions.append(
      button("Play", () => void attempt(() => play(login!, character.id, company.value.trim())), "main"),
      button("Delete", () => void askAndDelete(character), "quiet"),
    );
    for (const one of actions.children) one.setAttribute("aria-label", `${one.textContent} ${character.name}`);
  } else {
    const undo = button("Restore", () => void restore(character));
    undo.setAttribute("aria-label", `Restore ${character.name}`);
    actions.append(undo);
  }
  const item = make("li", { className: character.goneAt === undefined ? "" : "gone" }, title, about, actions);
  item.dataset["character"] = character.id;
  return item;
}

async function askAndDelete(character: Character): Promise<void> {
  const text = "You can restore it for a while; then it is gone for good.";
  if (!(await confirmed(`Delete ${character.name}?`, text, "Delete"))) return;
  await attempt(async () => {
    await deleteCharacter(login!, character.id);
    await refresh(`${character.name} is deleted.`);
  });
}

async function restore(character: Character): Promise<void> {
  await attempt(async () => {
    await restoreCharacter(login!, character.id);
    await refresh(`${character.name} is back.`);
  });
}

async function attempt(action: () => Promise<void>): Promise<void> {
  news.textContent = "";
  try {
    await action();
  } catch (error) {
    news.textContent = words(error);
  }
}
