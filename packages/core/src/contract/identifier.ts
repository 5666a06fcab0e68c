/**
 * How a subject is found: `email`, `phone`, `accountId`, `hubspotContactId`, `stripeCustomerId`, …
 * A subject known by several spellings of one value has one identifier for each: as heed reads it (NFC, an
 * e-mail's domain as lower-case A-label), and as the application wrote it where that differs.
 */
export interface Identifier<Kind extends string = string> {
  readonly kind: Kind;
  readonly value: string;
}

/** The kinds that every heed knows. Processors add their own. */
export type CommonKind = "email" | "phone" | "accountId";

/**
 * A person, named by one or more identifiers.
 *
 * @example { email: ["anna@example.org", "anna.b@example.net"], accountId: "4711" }
 */
export type Subject<Kind extends string = string> = {
  readonly [K in Kind | CommonKind]?: string | readonly string[];
};
