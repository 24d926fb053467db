/** The account's characters, and the ticket to join with one. */
import type { Login } from "./tokens.ts";

export interface Character {
  id: string;
  name: string;
  level: number;
  /** The area in which it is, or was last; none: it has not been in the world. */
  area: string | undefined;
  /** Whether it is in the world now. */
  inWorld: boolean;
  /** Its place among all, from 1; none: not among the first. */
  ranking: number | undefined;
  /** When a deleted one is gone for good, milliseconds since 1970; until then it can be restored. */
  goneAt: number | undefined;
}

interface CharacterRow {
  id: string;
  name: string;
  level: number;
  area: string | null;
  in_world: boolean;
  ranking: number | null;
  deleted_until: number | null;
}

const character = (row: CharacterRow): Character => ({
  id: row.id,
  name: row.name,
  level: row.level,
  area: row.area ?? undefined,
  inWorld: row.in_world,
  ranking: row.ranking ?? undefined,
  goneAt: row.deleted_until ?? undefined,
});

/** A permission to join once, soon. */
export interface Ticket {
  ticket: string;
  /** Websocket addresses, the best first; perhaps relative. */
  endpoints: string[];
  area: string | undefined;
}

/** All characters, deleted ones that can be restored too. */
export async function listCharacters(login: Login): Promise<Character[]> {
  const { characters } = await login.ask<{ characters: CharacterRow[] }>("/v1/characters");
  return characters.map(character);
}

export async function createCharacter(login: Login, name: string): Promise<Character> {
  return character(await login.ask<CharacterRow>("/v1/characters", { method: "POST", body: { name } }));
}

/** It can be restored for a while. */
export async function deleteCharacter(login: Login, id: string): Promise<void> {
  await login.ask(`/v1/characters/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function restoreCharacter(login: Login, id: string): Promise<void> {
  await login.ask(`/v1/characters/${encodeURIComponent(id)}/restore`, { method: "POST" });
}

/** Ask for a ticket: good for 30 s and one join; with whose party, by the name of one of its characters. */
export async function requestTicket(login: Login, id: string, company = ""): Promise<Ticket> {
  const answer = await login.ask<{ ticket: string; endpoint: string; endpoints?: string[]; area?: string | null }>(
    "/v1/start",
    { method: "POST", body: company ? { character: id, with: company } : { character: id } },
  );
  return {
    ticket: answer.ticket,
    endpoints: answer.endpoints?.length ? answer.endpoints : [answer.endpoint],
    area: answer.area ?? undefined,
  };
}
