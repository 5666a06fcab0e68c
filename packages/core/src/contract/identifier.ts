/**
 * How a subject is found: `email`, `phone`, `accountId`, `hubspotContactId`, `stripeCustomerId`, …
 * Values are as the application wrote them (trimmed, NFC, an e-mail's domain as lower-case A-label);
 * a subject known by several spellings of one address has one identifier for each.
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
