import type { Identifier } from "./identifier.ts";

/**
 * Something seen at a vendor: a hint, not an event. Our own write coming back confirms a step and nothing
 * else; an opt-out enters the ledger; an opt-in needs its proof.
 */
export type Sighting = {
  /** The vendor's id of the notice; a repeat is ignored. */
  readonly id: string;
  /** When it happened by the vendor's clock, RFC 3339. */
  readonly claimedAt: string;
  readonly subject: readonly Identifier[];
} & (
  | { readonly saw: "opted-out" | "opted-in"; readonly topics: readonly string[] | "all" }
  | { readonly saw: "gone" | "merged" | "paid-service-ended" }
  /** Something that payments can be made with. Where such had been forgotten, a human has to look. */
  | { readonly saw: "credential-stored" }
  /** A record of a person was made, or brought back. Where they are not to be there, a human has to look. */
  | { readonly saw: "record-stored" }
  /** A pending reference is finished: verify now. */
  | { readonly saw: "reference-settled"; readonly reference: string }
);
