/** Forms that tell their problems where people look: at the form that has them. */
import { waitOf, words } from "./words.ts";

/**
 * Runs `action` whenever `form` is submitted, one at a time. A problem is told in the form's alert;
 * when the server asks to wait, the button counts the seconds (and anything typed ends the wait:
 * it may be about another name).
 */
export function onSubmit(form: HTMLFormElement, action: () => Promise<void>): void {
  const alert = form.querySelector<HTMLElement>("[role=alert]")!;
  const submit = form.querySelector<HTMLButtonElement>("button:not([type=button])")!;
  let stopWaiting = () => {};
  form.addEventListener("input", () => stopWaiting());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    stopWaiting();
    alert.textContent = "";
    submit.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await action();
    } catch (error) {
      alert.textContent = words(error);
      const wait = waitOf(error);
      if (wait > 0) stopWaiting = countDown(submit, wait);
    } finally {
      form.removeAttribute("aria-busy");
      submit.disabled = submit.dataset["wait"] !== undefined;
    }
  });
}

/** Keeps a button from being pressed for a while; the rest of it is seen, but not read out. */
function countDown(submit: HTMLButtonElement, seconds: number): () => void {
  const until = Date.now() + seconds * 1_000;
  const timer = setInterval(() => tell(), 250);
  const stop = () => {
    clearInterval(timer);
    delete submit.dataset["wait"];
    submit.disabled = false;
  };
  function tell(): void {
    const left = Math.ceil((until - Date.now()) / 1_000);
    if (left <= 0) return stop();
    submit.dataset["wait"] = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }
  tell();
  return stop;
}
