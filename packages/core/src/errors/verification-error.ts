import { ProcessorError, type ProcessorErrorOptions } from "./processor-error.ts";

/** The processor said done, but reading back shows otherwise. */
export class VerificationError extends ProcessorError {
  override readonly name = "VerificationError";

  constructor(message: string, options: ProcessorErrorOptions) {
    super(message, { code: "not-verified", ...options });
  }
}
