import { HeedError, type HeedErrorOptions } from "./heed-error.ts";

/** Something sealed, signed or authenticated does not open: it was altered, or its key is another one. */
export class TamperedEvidenceError extends HeedError {
  override readonly name = "TamperedEvidenceError";

  constructor(message: string, options: HeedErrorOptions = {}) {
    super(message, { code: "tampered", ...options });
  }
}
