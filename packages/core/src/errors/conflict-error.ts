import { HeedError, type HeedErrorOptions } from "./heed-error.ts";

/** The call is well formed but contradicts what is recorded, for example identifiers of two people. */
export class ConflictError extends HeedError {
  override readonly name = "ConflictError";

  constructor(message: string, options: HeedErrorOptions = {}) {
    super(message, { code: "conflict", ...options });
  }
}
