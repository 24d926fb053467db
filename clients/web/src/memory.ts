/**
 * What the page remembers over a reload. A guest's token and the character being played belong to
 * the tab, so that two tabs are two players; that there is an account's cookie (which no script can
 * see) holds for the browser. Where nothing can be stored, a reload starts over.
 */

interface Note {
  get(): string | undefined;
  set(value: string): void;
  clear(): void;
}

function note(storage: () => Storage, key: string): Note {
  const attempt = <T>(use: (storage: Storage) => T): T | undefined => {
    try {
      return use(storage());
    } catch {
      return undefined;
    }
  };
  return {
    get: () => attempt((kept) => kept.getItem(key)) ?? undefined,
    set: (value) => attempt((kept) => kept.setItem(key, value)),
    clear: () => attempt((kept) => kept.removeItem(key)),
  };
}

/** Lets this tab's guest come back. */
export const guestToken = note(() => sessionStorage, "worldline.guest");
/** The character that this tab plays, of an account. */
export const lastCharacter = note(() => sessionStorage, "worldline.character");
/** Whether this browser holds an account's cookie; it says nothing more. */
export const hasCookie = note(() => localStorage, "worldline.account");
