import type { Asker } from "./ask-stripe.ts";
import { redactionJobSchema, validationErrorSchema } from "./stripe-answers.ts";

/** The version that knows redaction jobs. It is asked for in these calls alone. */
const preview = { apiVersion: "2026-08-26.preview" };

const jobs = "/v1/privacy/redaction_jobs";
const job = (id: string) => `${jobs}/${encodeURIComponent(id)}`;

/**
 * Redaction jobs, a preview that the client has no methods for.
 *
 * @see https://docs.stripe.com/api/privacy/redaction-job?api-version=preview
 */
export function redactionCalls({ client, ask, all, newest }: Asker) {
  return {
    /** Refused with a 404 where the account has no redaction. */
    anyRedaction: () =>
      newest("redaction-list", redactionJobSchema, (options) =>
        client.rawRequest("GET", `${jobs}?limit=1`, undefined, { ...options, ...preview }),
      ),
    /** It validates by itself. Ten ids at most, of whatever they are. */
    createRedaction: (objects: Readonly<Record<string, readonly string[]>>) =>
      ask("redaction-create", redactionJobSchema, (options) =>
        client.rawRequest(
          "POST",
          jobs,
          { objects, validation_behavior: "error" },
          { ...options, ...preview },
        ),
      ),
    redaction: (id: string) =>
      ask("redaction-read", redactionJobSchema, (options) =>
        client.rawRequest("GET", job(id), undefined, { ...options, ...preview }),
      ),
    /** Cannot be taken back. */
    runRedaction: (id: string) =>
      ask("redaction-run", redactionJobSchema, (options) =>
        client.rawRequest("POST", `${job(id)}/run`, {}, { ...options, ...preview }),
      ),
    redactionErrors: (id: string) =>
      all("redaction-error-list", validationErrorSchema, ({ limit, starting_after }, options) => {
        const from = starting_after === undefined ? "" : `&starting_after=${starting_after}`;
        return client.rawRequest("GET", `${job(id)}/validation_errors?limit=${limit}${from}`, undefined, {
          ...options,
          ...preview,
        });
      }),
  };
}
