import { ProcessorError, type ProcessorErrorOptions } from "./processor-error.ts";

/** The vendor asks to slow down (HTTP 429). The engine pushes the bucket back for everyone and tries again. */
export class RateLimitedError extends ProcessorError {
  override readonly name = "RateLimitedError";
  /** How long to wait, in milliseconds. */
  readonly retryAfterMs: number;
  /** The bucket that is exhausted; without it, every bucket that the call took a turn from. */
  readonly bucket: string | undefined;

  constructor(message: string, options: ProcessorErrorOptions & { retryAfterMs: number; bucket?: string }) {
    super(message, { code: "rate-limited", ...options });
    this.retryAfterMs = options.retryAfterMs;
    this.bucket = options.bucket;
  }
}
