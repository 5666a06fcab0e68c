import { isHeedError, onlyKeys } from "@heed/core/contract";
import { nameOf } from "./name-of.ts";
import { needs } from "./needs.ts";
import { plain } from "./page.ts";
import { readBytes } from "./read-bytes.ts";

/** All that the handler needs of heed: `heed.webhooks`. */
export interface WebhookInbox<Recipient extends string = string> {
  /** Resolves when the webhook is stored for good. */
  receive(recipient: Recipient, request: Request): Promise<unknown>;
}

/** What {@link webhookHandler} needs. */
export interface WebhookHandlerOptions<Recipient extends string> {
  readonly webhooks: WebhookInbox<Recipient>;
  /** The recipient of the policy whose vendor calls here. */
  readonly recipient: Recipient;
  /**
   * The address that the vendor was given, where it differs from the one that reaches the handler, as behind a
   * proxy: some vendors sign it. Default: the request's own.
   */
  readonly publicUrl?: string;
  /** How long a body may take to arrive, in milliseconds. Default 10,000. */
  readonly bodyTimeoutMs?: number;
  /** Is told of each webhook that could not be stored: name and code of an error of heed's own, `Error` for any other. Must not throw. */
  readonly logger?: { warn(fields: Readonly<Record<string, string>>, message: string): void };
}

const optionKeys = {
  webhooks: true,
  recipient: true,
  publicUrl: true,
  bodyTimeoutMs: true,
  logger: true,
};

/** HubSpot sends a hundred events at most, Stripe one object. */
const mostBytes = 1024 * 1024;

/**
 * Answers a vendor's webhooks: 200 only after what it told is stored, 401 when the vendor has not signed it, 503 with
 * `Retry-After` when it could not be stored, so that the vendor tells it again; 405, 408, 413. Never throws.
 *
 * @throws InvalidInputError `unknown-option`, and TypeError without `webhooks`, when it is made
 */
export function webhookHandler<const Recipient extends string>(
  options: WebhookHandlerOptions<Recipient>,
): (request: Request) => Promise<Response> {
  onlyKeys(options, "webhookHandler", optionKeys);
  const { webhooks, recipient, publicUrl, bodyTimeoutMs = 10_000, logger } = options;
  needs("webhookHandler", "webhooks", webhooks, ["receive"]);
  return async (request) => {
    if (request.method !== "POST") return plain(405, "Method not allowed", { Allow: "POST" });
    const body = await readBytes(request, mostBytes, bodyTimeoutMs);
    if (typeof body === "number") return plain(body, "The body cannot be read");
    try {
      const { method, headers } = request;
      await webhooks.receive(recipient, new Request(publicUrl ?? request.url, { method, headers, body }));
      return plain(200, "Stored");
    } catch (error) {
      if (isHeedError(error) && error.name === "TamperedEvidenceError")
        return plain(401, "Not signed by the vendor");
      logger?.warn(nameOf(error), "a webhook could not be stored");
      return plain(503, "Not stored: tell it again", { "Retry-After": "60" });
    }
  };
}
