import type { Write } from "../contract/storage.ts";
import type { SubjectRecord } from "./subject-record.ts";

/** The send log goes with the addresses it is kept by, and so does what was reported of them. */
export function forgetMessages(address: readonly string[]): readonly Write[] {
  return [
    { remove: "permits", where: { address } },
    { remove: "reports", where: { address } },
  ];
}

/**
 * Forgets somebody of whom nothing is known but that their address was mentioned, by whomever.
 *
 * Identifiers go one by one: whoever goes as a whole was erased, and would be so again by a restoration.
 */
export function forgetStranger({ id, identifiers }: SubjectRecord): readonly Write[] {
  const digests = identifiers.map(({ digest }) => digest);
  return [
    ...forgetMessages(digests),
    { remove: "events", where: { subjectId: id } },
    { remove: "identifiers", where: { digest: digests } },
    { remove: "subjects", where: { id } },
    { remove: "dataKeys", where: { owner: id } },
  ];
}
