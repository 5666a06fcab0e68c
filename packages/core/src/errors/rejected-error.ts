import { ProcessorError, type ProcessorErrorOptions } from "./processor-error.ts";

/** The vendor refuses (401, 403, 4xx): repeating it will not help. Goes to a human. */
export class RejectedError extends ProcessorError {
  override readonly name = "RejectedError";

  constructor(message: string, options: ProcessorErrorOptions) {
    super(message, { code: "rejected", ...options });
  }
}
