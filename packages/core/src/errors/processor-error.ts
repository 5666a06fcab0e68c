import type { OperationName } from "../contract/operation.ts";
import { HeedError, type HeedErrorOptions } from "./heed-error.ts";

/** Where and how a call to a processor failed. */
export interface ProcessorErrorOptions extends HeedErrorOptions {
  /** The adapter's name, for example `"hubspot"`. */
  readonly processor: string;
  /** The operation, or `"check"`. */
  readonly operation: OperationName | "check";
  /** HTTP status of the vendor's answer, when there was one. */
  readonly status?: number;
  /** The vendor's own id of the failed call (a correlation or request id), for its support. */
  readonly requestId?: string;
}

/**
 * A processor did not do what was asked. The subclass says what follows:
 * {@link RateLimitedError} and {@link UnavailableError} are tried again, {@link RejectedError} goes to a
 * human. The message never quotes the vendor, whose texts may hold an address.
 */
export class ProcessorError extends HeedError {
  override readonly name: string = "ProcessorError";
  readonly processor: string;
  readonly operation: OperationName | "check";
  readonly status: number | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, options: ProcessorErrorOptions) {
    super(message, { code: "processor", ...options });
    this.processor = options.processor;
    this.operation = options.operation;
    this.status = options.status;
    this.requestId = options.requestId;
  }
}
