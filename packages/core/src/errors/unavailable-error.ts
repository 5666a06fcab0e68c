import { ProcessorError, type ProcessorErrorOptions } from "./processor-error.ts";

/** No answer, a broken answer, or the vendor's own failure (5xx, connection, time-out). Tried again. */
export class UnavailableError extends ProcessorError {
  override readonly name = "UnavailableError";

  constructor(message: string, options: ProcessorErrorOptions) {
    super(message, { code: "unavailable", ...options });
  }
}
