/** How one comes to the page: by its address, or back from a provider with a word on how that went. */

/** What a provider's login has come to. */
export type Arrival = { logged: "in" } | { logged: "out"; why: string };

/** Where the server sends the browser after a provider's login. */
export function returnAddress(path: string): string {
  return `${path}?login=provider`;
}

/** Reads the address's query; `undefined` when nobody comes from a provider. */
export function arrival(query: string): Arrival | undefined {
  const told = new URLSearchParams(query);
  const code = told.get("login_error");
  if (code !== null) return { logged: "out", why: reason(code) };
  return told.get("login") === "provider" ? { logged: "in" } : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  bad_state: "That login was begun in another browser, or twice. Please begin again.",
  login_expired: "That took longer than ten minutes. Please begin again.",
  denied: "You were not logged in: you said no, there.",
  provider_error: "The provider refused to answer. Please log in another way, and tell the operators.",
  code_refused: "The provider did not confirm the login. Please begin again.",
  provider_unavailable: "The provider does not answer now. Try again shortly, or log in another way.",
  unavailable: "The world does not answer now. Try again shortly.",
  busy: "Too many people log in just now. Try again in a moment.",
  locked: "There were too many failed logins. Try again in a while.",
  nonce_used: "That login was used already. Please begin again.",
};

/** Words for a code. Anybody can write an address, so nothing of it is shown as it is. */
function reason(code: string): string {
  if (code.startsWith("too_many")) return "There were too many logins from your address. Try again in a while.";
  if (code.startsWith("oidc_")) return "The provider's word could not be verified, so you were not logged in.";
  return (Object.hasOwn(REASONS, code) && REASONS[code]) || "You were not logged in. Please try again.";
}
