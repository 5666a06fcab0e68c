import { z } from "zod";
import { languageTag } from "../language-tag.ts";
import { parse, refuse } from "../parse.ts";
import type { Catalogue } from "./catalogue.ts";
import { english } from "./english.ts";
import { placeholdersOf } from "./fill.ts";

const textsLike = (texts: Readonly<Record<string, string>>) =>
  z.strictObject(Object.fromEntries(Object.keys(texts).map((key) => [key, z.string().min(1)])));

const known = new WeakSet<Catalogue>();

/**
 * Sees that a catalogue says all that the English one says, of the same values.
 *
 * @throws InvalidInputError that names the text
 */
export function checkCatalogue(catalogue: Catalogue): Catalogue {
  if (known.has(catalogue)) return catalogue;
  parse(
    z.strictObject({
      language: languageTag,
      direction: z.enum(["ltr", "rtl"]),
      locale: languageTag.optional(),
      rights: textsLike(english.rights),
      mails: z.strictObject(
        Object.fromEntries(Object.entries(english.mails).map(([name, texts]) => [name, textsLike(texts)])),
      ),
      footer: textsLike(english.footer),
    }),
    catalogue,
    "catalogue",
  );
  const theirs = new Map(textsOf(catalogue));
  for (const [path, text] of textsOf(english)) {
    const wanted = placeholdersOf(text);
    if (String(placeholdersOf(theirs.get(path) ?? "")) !== String(wanted)) {
      throw refuse(
        "catalogue",
        path,
        `it needs these placeholders, and no other: ${wanted.join(", ") || "none"}`,
      );
    }
  }
  known.add(catalogue);
  return catalogue;
}

/** Every text of a catalogue, with its path. */
export function textsOf({ rights, mails, footer }: Catalogue): readonly (readonly [string, string])[] {
  const rooms = { rights, ...prefixed("mails", mails), footer };
  return Object.entries(rooms).flatMap(([room, texts]) =>
    Object.entries(texts).map(([key, text]) => [`${room}.${key}`, text] as const),
  );
}

function prefixed<T extends object>(name: string, rooms: T): Record<string, T[keyof T]> {
  return Object.fromEntries(Object.entries(rooms).map(([key, room]) => [`${name}.${key}`, room]));
}
