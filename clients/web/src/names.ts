/** Proposals for names that are taken. */

/** `MAX_NAME_CHARS` of the schemas. */
const LONGEST = 24;

/** The name with a number behind it that it did not have before. */
export function anotherName(taken: string, random: () => number = Math.random): string {
  const [stem = "", had = ""] = /^(.*?)\s*(\d*)$/su.exec(taken.trim())?.slice(1) ?? [];
  const drawn = 2 + Math.floor(random() * 97);
  const number = String(drawn === Number(had) ? drawn + 1 : drawn);
  return `${[...stem].slice(0, LONGEST - number.length - 1).join("").trimEnd()} ${number}`.trim();
}
