/** Why the demo does not go on, and what to do about it. Quotes no credential and no vendor's words. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
