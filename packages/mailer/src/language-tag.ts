import { z } from "zod";

/** A language as BCP 47 writes it, for example `sv` or `pt-BR`. */
export const languageTag = z.string().refine(isLanguageTag, "not a language tag (BCP 47)");

function isLanguageTag(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    // It says so by throwing.
    return false;
  }
}
