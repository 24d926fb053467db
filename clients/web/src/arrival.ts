/** How one comes to the page: by its address, or back from a provider with a word on how that went. */

/** What a provider's login has come to; `kept`: it was to keep a guest's character. */
export type Arrival = ({ logged: "in" } | { logged: "out"; why: string }) & { kept: boolean };

/** Where the server sends the browser after a provider's login, or one to keep a guest's character. */
export function returnAddress(path: string, kept = false): string {
  return `${path}?login=${kept ? "kept" : "provider"}`;
}

/** Reads the address's query; `undefined` when nobody comes from a provider. */
export function arrival(query: string): Arrival | undefined {
  const told = new URLSearchParams(query);
  const code = told.get("login_error");
  const way = told.get("login");
  const kept = way === "kept";
  if (code !== null) return { logged: "out", why: reason(code), kept };
  return kept || way === "provider" ? { logged: "in", kept } : undefined;
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
  already_linked:
    "The account there has another account here. Log in with it to play that one, or keep this character another way.",
  session_ended: "You were logged out meanwhile. Please begin again.",
  nonce_used: "That login was used already. Please begin again.",
};

/** Words for a code. Anybody can write an address, so nothing of it is shown as it is. */
function reason(code: string): string {
  if (code.startsWith("too_many")) return "There were too many logins from your address. Try again in a while.";
  if (code.startsWith("oidc_")) return "The provider's word could not be verified, so you were not logged in.";
  return (Object.hasOwn(REASONS, code) && REASONS[code]) || "You were not logged in. Please try again.";
}
