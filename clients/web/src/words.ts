/** What the page says about problems, characters and ends, in words. */
import { type Character, CloseCode, Problem } from "@worldline/sdk";

/** A span of time as one says it. */
export function inWords(seconds: number): string {
  const [count, unit] =
    seconds < 60 ? [Math.ceil(seconds), "second"]
    : seconds < 3_600 ? [Math.ceil(seconds / 60), "minute"]
    : seconds < 86_400 ? [Math.round(seconds / 3_600), "hour"]
    : [Math.round(seconds / 86_400), "day"];
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

/** For how many seconds the server asks to wait; 0 when it does not. */
export function waitOf(error: unknown): number {
  return error instanceof Problem && error.status === 429 ? (error.retryAfter ?? 0) : 0;
}

/** Where the server's words are for programmers. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  session_reused:
    "This login was used from somewhere else, so it was ended for safety. If that was not you, change your password.",
  session_unknown: "This login is over; please log in again.",
  not_logged_in: "This login is over; please log in again.",
};

/** Services refuse in half sentences. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…”]$/u.test(first) ? first : `${first}.`;
}

/** What to tell about an error. */
export function words(error: unknown): string {
  if (!(error instanceof Problem)) {
    console.error(error);
    return "Something went wrong in this page; please reload it.";
  }
  const wait = waitOf(error);
  const message = OWN_WORDS[error.code] ?? sentence(error.message);
  return wait ? `${message} You can try again in ${inWords(wait)}.` : message;
}

/** What is worth knowing about a character, in a line. */
export function describe(character: Character, now = Date.now()): string {
  if (character.goneAt !== undefined) {
    const left = Math.max(1, Math.round((character.goneAt - now) / 1_000));
    return `Deleted; it can be restored for ${inWords(left)}.`;
  }
  const parts = [`Level ${character.level}`];
  if (character.area) parts.push(`${character.inWorld ? "now" : "last"} in ${character.area}`);
  if (character.ranking !== undefined) parts.push(`rank ${character.ranking}`);
  return parts.join(" · ");
}

/** What is said when the world has closed the door. */
export function farewell(code: number, why: string): { title: string; text: string } {
  const server = why ? `The server says: ${why}.` : "";
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
      return { title: "You have left the world", text: server || "Your session has ended." };
    default:
      return { title: "The connection is lost", text: server || "The server does not answer." };
  }
}
