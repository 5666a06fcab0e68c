import { HeedError, type HeedErrorOptions } from "./heed-error.ts";

/** The processor, or the storage, does not have the operation that was asked of it. */
export class UnsupportedOperationError extends HeedError {
  override readonly name = "UnsupportedOperationError";

  constructor(message: string, options: HeedErrorOptions = {}) {
    super(message, { code: "unsupported-operation", ...options });
  }
}
