/** Problems in words, where people look: at the form that has them. */
import { Problem } from "@worldline/sdk";

/** A span of time as one says it. */
export function inWords(seconds: number): string {
  if (seconds < 60) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const [count, unit] = seconds < 3_600 ? [Math.ceil(seconds / 60), "minute"] : seconds < 86_400
    ? [Math.round(seconds / 3_600), "hour"]
    : [Math.round(seconds / 86_400), "day"];
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

/** What to tell about an error. */
export function words(error: unknown): string {
  if (!(error instanceof Problem)) {
    console.error(error);
    return "Something went wrong in this page; please reload it.";
  }
  const wait = waitOf(error);
  return wait ? `${error.message} You can try again in ${inWords(wait)}.` : error.message;
}

function waitOf(error: unknown): number {
  return error instanceof Problem && error.status === 429 ? (error.retryAfter ?? 0) : 0;
}

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
