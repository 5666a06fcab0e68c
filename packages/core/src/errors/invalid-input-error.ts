import { HeedError, type HeedErrorOptions } from "./heed-error.ts";

/** One thing that is wrong with an input: where, and what to do about it. */
export interface InputIssue {
  /** Dotted path into the input, for example `topics.offers.purpose`. */
  readonly path: string;
  /** What is wrong and how to mend it. Quotes names of the policy, never a value of a person. */
  readonly message: string;
}

/** The caller's input cannot be used. `issues` says where; nothing was written. */
export class InvalidInputError extends HeedError {
  override readonly name = "InvalidInputError";
  readonly issues: readonly InputIssue[];

  constructor(message: string, options: HeedErrorOptions & { issues?: readonly InputIssue[] } = {}) {
    super(message, { code: "invalid-input", ...options });
    this.issues = options.issues ?? [];
  }
}
