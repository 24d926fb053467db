/** The ways in: as a guest, with name and password, through a provider. */
import {
  type Login, loginAsGuest, loginWithPassword, Problem, type Provider, providerAddress, register,
} from "@worldline/sdk";

import { returnAddress } from "./arrival.ts";
import { element, make, showPanel } from "./dom.ts";
import { onSubmit } from "./forms.ts";
import { anotherName } from "./names.ts";
import { sentence } from "./words.ts";

const guest = element<HTMLFormElement>("guest");
const guestName = element<HTMLInputElement>("name");
const password = element<HTMLFormElement>("password-login");
const loginName = element<HTMLInputElement>("login-name");
const secret = element<HTMLInputElement>("login-password");
const other = element<HTMLButtonElement>("other-way");

/** Prepares the panel; `entered` gets every login that succeeds. */
export function preparePanel(entered: (login: Login) => Promise<void>): void {
  onSubmit(guest, async () => entered(await asGuest(guestName.value)));

  let creating = false;
  onSubmit(password, async () => {
    const login = await (creating ? register : loginWithPassword)("", loginName.value, secret.value, "cookie");
    secret.value = "";
    await entered(login);
  });
  other.addEventListener("click", () => {
    creating = !creating;
    element("password-submit").textContent = creating ? "Create account" : "Log in";
    other.textContent = creating ? "I have an account" : "Create an account";
    secret.autocomplete = creating ? "new-password" : "current-password";
    element("password-hint").hidden = !creating;
    password.querySelector("[role=alert]")!.textContent = "";
    (loginName.value === "" ? loginName : secret).focus();
  });
}

/** Shows the panel, and why if there is a reason. */
export function openLogin(why = ""): void {
  showPanel("login");
  element("login-reason").textContent = why;
}

/** Offers the providers that the server knows. */
export function offer(known: readonly Provider[]): void {
  element("provider-links").replaceChildren(
    ...known.map((provider) => {
      const href = providerAddress("", provider, returnAddress(location.pathname));
      const link = make("a", { href }, `Continue with ${provider.title}`);
      return make("li", {}, link);
    }),
  );
  element("providers").hidden = known.length === 0;
}

async function asGuest(name: string): Promise<Login> {
  try {
    return await loginAsGuest("", { name });
  } catch (error) {
    if (error instanceof Problem && error.code === "name_taken") {
      guestName.value = anotherName(name);
      guestName.select();
      throw new Problem(error.status, error.code, `${sentence(error.message)} How about “${guestName.value}”?`);
    }
    throw error;
  }
}
