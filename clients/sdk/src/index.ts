/**
 * Worldline's client library: everything between a websocket and a picture.
 * `docs/protocol.md` tells what travels; this folds it into bodies that can be drawn at any step.
 */
export * from "./account.ts";
export * from "./characters.ts";
export * from "./generated.ts";
export { Clock } from "./clock.ts";
export { Problem } from "./http.ts";
export * from "./login.ts";
export { positionAt, unpack, type Segment } from "./motion.ts";
export * from "./resources.ts";
export { Screen, type SeenBody, type SpokenLine } from "./screen.ts";
export { Session, type SessionEvents } from "./session.ts";
export { Login, type Keep } from "./tokens.ts";
export { type Playing, Watch, type WatchEvents, type WatchFrom } from "./watch.ts";
