/** The keyboard, as the bits that the protocol knows. */
import { Key } from "@worldline/sdk";

const BITS: Readonly<Record<string, number>> = {
  ArrowLeft: Key.Left,
  KeyA: Key.Left,
  ArrowRight: Key.Right,
  KeyD: Key.Right,
  ArrowUp: Key.Jump,
  KeyW: Key.Jump,
  Space: Key.Jump,
  ArrowDown: Key.Down,
  KeyS: Key.Down,
  ShiftLeft: Key.Run,
  ShiftRight: Key.Run,
};

/** Calls `changed` with the held bits whenever they change; lets go of all when focus is lost. */
export function listen(changed: (bits: number) => void, pressed: (code: string) => void): void {
  const held = new Set<string>();
  const tell = () => changed([...held].reduce((bits, code) => bits | (BITS[code] ?? 0), 0));
  // Keys mean the game only while nothing else has the focus: a field, a button, an open dialog.
  const elsewhere = () =>
    !(document.activeElement === document.body || document.activeElement instanceof HTMLCanvasElement) ||
    document.querySelector("dialog[open]") !== null;
  addEventListener("keydown", (event) => {
    if (elsewhere() || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code in BITS) {
      held.add(event.code);
      event.preventDefault();
      tell();
    } else {
      pressed(event.code);
      if (event.code === "Enter") event.preventDefault();
    }
  });
  addEventListener("keyup", (event) => {
    if (held.delete(event.code)) tell();
  });
  const release = () => {
    if (held.size === 0) return;
    held.clear();
    tell();
  };
  addEventListener("blur", release);
  addEventListener("focusin", release);
}
