// Generated from schemas/src/wire.rs by `UPDATE_CONTRACT=1 cargo test -p schemas`; do not edit.

export const PROTOCOL = 1;
export const SUBPROTOCOL = "worldline.v1.msgpack";
export const STEP_MILLIS = 20;
export const SUBPIXELS = 256;
export const NO_BODY = 65535;
export const MAX_SPEED = 10000;

export type Own = [ackSeq: number, appliedStep: number, mode: number, bits: number, since: number, coyoteUntil: number, jumpBufferedUntil: number, dropThroughUntil: number, stunnedUntil: number];
export type Body = [handle: number, character: string, name: string, motion: number[]];

export const ChunkOp = {
  Moved: 0,
  Entered: 1,
  Left: 2,
  Spoken: 3,
} as const;

export type ChunkMoved = [op: 0, motion: number[]];
export type ChunkEntered = [op: 1, bodies: Body[]];
export type ChunkLeft = [op: 2, handles: number[]];
export type ChunkSpoken = [op: 3, lines: [number, string][]];
export type Chunk = ChunkMoved | ChunkEntered | ChunkLeft | ChunkSpoken;

export const ClientOp = {
  Identify: 32,
  Resume: 33,
  Heartbeat: 34,
  Input: 35,
  Say: 36,
  UseDoor: 37,
  Leave: 38,
  Query: 39,
  Observe: 40,
  Look: 41,
  Play: 42,
} as const;

export type ClientIdentify = [op: 32, protocol: number, ticket: string, client: string];
export type ClientResume = [op: 33, protocol: number, token: string];
export type ClientHeartbeat = [op: 34, nonce: number];
export type ClientInput = [op: 35, clientSeq: number, clientStep: number, bits: number, viewStep: number];
export type ClientSay = [op: 36, clientSeq: number, text: string];
export type ClientUseDoor = [op: 37, clientSeq: number];
export type ClientLeave = [op: 38, clientSeq: number];
export type ClientQuery = [op: 39, id: number, what: string];
export type ClientObserve = [op: 40, protocol: number, area: string, follow: string, client: string];
export type ClientLook = [op: 41, x: number, y: number, follow: string];
export type ClientPlay = [op: 42, at: number, speed: number];
export type ClientMessage = ClientIdentify | ClientResume | ClientHeartbeat | ClientInput | ClientSay | ClientUseDoor | ClientLeave | ClientQuery | ClientObserve | ClientLook | ClientPlay;

export const ServerOp = {
  Hello: 0,
  Ready: 1,
  Area: 2,
  Frame: 3,
  Pong: 4,
  Rejected: 5,
  Transit: 6,
  GoAway: 7,
  QueryReply: 8,
  Token: 9,
  Notice: 10,
  Playing: 11,
} as const;

export type ServerHello = [op: 0, protocol: number, heartbeatMs: number, server: string];
export type ServerReady = [op: 1, character: string, name: string, session: number, resumed: boolean, ackSeq: number, rejected: [number, number][]];
export type ServerArea = [op: 2, area: string, mapUrl: string, sequence: number, step: number, handle: number, own: Own, bodies: Body[], token: string];
export type ServerFrame = [op: 3, sequence: number, step: number, own: Own | null, chunks: Chunk[]];
export type ServerPong = [op: 4, nonce: number, step: number];
export type ServerRejected = [op: 5, clientSeq: number, reason: number, message: string];
export type ServerTransit = [op: 6, area: string, status: string];
export type ServerGoAway = [op: 7, url: string, withinMs: number];
export type ServerQueryReply = [op: 8, id: number, rows: [number, string][]];
export type ServerToken = [op: 9, token: string];
export type ServerNotice = [op: 10, code: string, message: string];
export type ServerPlaying = [op: 11, area: string, state: string, at: number, step: number, speed: number, from: number, to: number];
export type ServerMessage = ServerHello | ServerReady | ServerArea | ServerFrame | ServerPong | ServerRejected | ServerTransit | ServerGoAway | ServerQueryReply | ServerToken | ServerNotice | ServerPlaying;

export const CloseCode = {
  Internal: 4000,
  UnknownOp: 4001,
  Malformed: 4002,
  NotIdentified: 4003,
  BadTicket: 4004,
  AlreadyIdentified: 4005,
  SessionEnded: 4006,
  BadSequence: 4007,
  RateLimited: 4008,
  TimedOut: 4009,
  TooLarge: 4010,
  Replaced: 4011,
  Outdated: 4012,
  CannotResume: 4013,
  GoingAway: 4014,
  TooSlow: 4015,
  Unavailable: 4016,
  Full: 4017,
} as const;

export const Reason = {
  NotHere: 1,
  StaleSession: 2,
  Expired: 3,
  Invalid: 4,
  NoDoor: 5,
  TooMany: 6,
  Fault: 7,
  Undecodable: 8,
  OutOfOrder: 9,
  Unknown: 10,
} as const;

export const Key = {
  Left: 1,
  Right: 2,
  Jump: 4,
  Down: 8,
  Run: 16,
} as const;

export const MotionFlag = {
  Ax: 1,
  Ay: 2,
  Vx: 4,
  Vy: 8,
  Mode: 16,
  Input: 32,
  X: 64,
  Y: 128,
  Coyote: 256,
  Buffer: 512,
  Drop: 1024,
  Stun: 2048,
} as const;
