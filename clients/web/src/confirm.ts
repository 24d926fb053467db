/** Asks before something that cannot easily be taken back. */
import { element } from "./dom.ts";

const dialog = element<HTMLDialogElement>("confirm");

/** Whether the person says yes; Escape says no. */
export async function confirmed(title: string, text: string, yes: string): Promise<boolean> {
  element("confirm-title").textContent = title;
  element("confirm-text").textContent = text;
  element("confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}
