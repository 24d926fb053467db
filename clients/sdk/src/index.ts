/**
 * Worldline's client library: everything between a websocket and a picture.
 * `docs/protocol.md` tells what travels; this folds it into bodies that can be drawn at any step.
 */
export * from "./generated.ts";
export { Clock } from "./clock.ts";
export { LoginError, loginAsGuest, requestTicket, type Guest } from "./login.ts";
export { positionAt, unpack, type Segment } from "./motion.ts";
export { Screen, type SeenBody, type SpokenLine } from "./screen.ts";
export { Session, type SessionEvents } from "./session.ts";
