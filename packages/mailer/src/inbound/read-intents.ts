import type { Intent, Words } from "./words.ts";
import type { Written } from "./written.ts";

/** What a mail seems to wish, and in which language it says so. */
export interface Intents {
  /** Each once, what stops mail first. */
  readonly wishes: readonly Intent[];
  /** Absent where no words were known. */
  readonly language?: string;
}

/** Reads the subject and the first line. It says what somebody seems to wish, and nothing about who they are. */
export function readIntents(
  { subject, line }: Written,
  words: Readonly<Record<string, Partial<Words>>>,
): Intents {
  const said = [comparable(subject), comparable(line)];
  const found = Object.entries(words).flatMap(([language, catalogue]) =>
    intents
      .filter((intent) => (catalogue[intent] ?? []).some((phrase) => says(said, phrase, catalogue.negations)))
      .map((intent) => ({ intent, language })),
  );
  const [first] = found;
  return {
    wishes: intents.filter((intent) => found.some((each) => each.intent === intent)),
    ...(first && { language: first.language }),
  };
}

const intents = [
  "unsubscribe",
  "withdrawal",
  "erasure",
  "objection",
  "access",
  "rectification",
  "restriction",
  "portability",
  "complaint",
] as const satisfies readonly Intent[];

/** The first list that was called by a name of its. */
export function listSaid<Topic extends string>(
  { subject, line }: Written,
  lists: readonly { readonly topic: Topic; readonly called: readonly string[] }[],
): Topic | undefined {
  const said = [comparable(subject), comparable(line)];
  return lists.find(({ called }) => called.some((name) => says(said, name)))?.topic;
}

/** Words alone, with a space around each, so that a phrase is found whole. */
const comparable = (text: string): string =>
  ` ${text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim()} `;

/** Whether a phrase was said, and not only to deny it. */
function says(said: readonly string[], phrase: string, negations: readonly string[] = []): boolean {
  const wanted = patternOf(phrase);
  const saying = said.filter((text) => wanted?.test(text));
  if (saying.length === 0) return false;
  const denied = negations.flatMap((negation) => patternOf(negation.replace("~", () => phrase)) ?? []);
  return saying.some((text) => wanted?.test(denied.reduce((left, each) => left.split(each).join(" "), text)));
}

/** Matches a phrase among {@link comparable} words; a `*` in it stands for up to four of them. */
function patternOf(phrase: string): RegExp | undefined {
  const pieces = phrase.split("*").map((piece) => comparable(piece).trim());
  // Nothing but letters, digits and spaces is left of a piece.
  const words = pieces.filter(Boolean).join(" (?:[^ ]+ ){0,4}");
  return words === "" ? undefined : new RegExp(` ${words} `);
}
