import { definitionsSchema, statusesSchema, type WideStatus, wideStatusesSchema } from "./hubspot-answers.ts";
import type { Line } from "./hubspot-request.ts";

/** What HubSpot files with an opt-out. It names nobody and links to nothing. */
const optOutExplanation = "The person opted out; carried out through the API on their behalf.";

/** What `subscribe` files begins so. */
const consentExplanation = "Recorded as ";

/** The text that HubSpot files with a consent: the ledger's event, and nothing about the person. */
export const explainConsent = (evidence: string, givenAt: string): string =>
  `${consentExplanation}${evidence}, given at ${givenAt}.`;

/** Whether it is a text that this adapter files. */
export const isOwnExplanation = (filed: string): boolean =>
  filed === optOutExplanation || filed.startsWith(consentExplanation);

/** What HubSpot says allows a change. It demands that of every one, an opt-out included; the law does not. */
export interface Legal {
  readonly legalBasis: string;
  readonly legalBasisExplanation: string;
}

/** A change of one address's choice for one subscription type, as HubSpot takes it. */
export function statusChange(
  subscriptionId: string,
  statusState: "SUBSCRIBED" | "UNSUBSCRIBED",
  legal: Legal = { legalBasis: "LEGITIMATE_INTEREST_OTHER", legalBasisExplanation: optOutExplanation },
): object {
  return {
    // HubSpot wants an int64 here, and writes it as a string elsewhere.
    subscriptionId: Number(subscriptionId),
    statusState,
    channel: "EMAIL",
    ...legal,
  };
}

/** Brand 0 is the account's own, and what HubSpot takes when none is named. */
export function channel(brandId: string | undefined): Record<string, string> {
  return {
    channel: "EMAIL",
    ...(brandId === undefined || brandId === "0" ? {} : { businessUnitId: brandId }),
  };
}

/** The opt-out from everything that a brand sends, where there is one. A row without a brand is of the one asked about. */
export function wideOptOutIn(rows: readonly WideStatus[], brandId: string): WideStatus | undefined {
  return rows.find(
    ({ status, businessUnitId }) => status === "UNSUBSCRIBED" && (businessUnitId ?? brandId) === brandId,
  );
}

/** Preferences of one address at a time. HubSpot keeps them by address, whether a contact has it or not. */
export function preferenceCalls({ version, send, ask }: Line) {
  const preferences = `/communication-preferences/${version}`;
  const statusesOf = (email: string) => `${preferences}/statuses/${encodeURIComponent(email)}`;
  const wide = (method: "GET" | "POST", email: string, brandId: string) =>
    ask(
      {
        method,
        path: `${statusesOf(email)}/unsubscribe-all`,
        query: { ...channel(brandId), verbose: "true" },
      },
      wideStatusesSchema,
    );

  return {
    /** The subscription types of every brand. */
    definitions: async () =>
      (await ask({ method: "GET", path: `${preferences}/definitions` }, definitionsSchema)).results,

    statuses: async (email: string, brandId: string | undefined) =>
      (await ask({ method: "GET", path: statusesOf(email), query: channel(brandId) }, statusesSchema))
        .results,

    /** Sets one status; the rows that HubSpot says it has now. */
    setStatus: async (email: string, change: object) =>
      (await ask({ method: "POST", path: statusesOf(email), body: change }, statusesSchema)).results,

    /** True when that changed something. */
    async unsubscribe(email: string, subscriptionId: string): Promise<boolean> {
      const body = statusChange(subscriptionId, "UNSUBSCRIBED");
      const { results } = await ask({ method: "POST", path: statusesOf(email), body }, statusesSchema);
      return !results.some((each) => each.setStatusSuccessReason === "NO_STATUS_CHANGE");
    },

    wideStatuses: async (email: string, brandId: string) => (await wide("GET", email, brandId)).results,

    async unsubscribeFromAll(email: string, brandId: string): Promise<void> {
      await wide("POST", email, brandId);
    },

    /** An empty change for an address that cannot exist. It shows whether preferences may be written. */
    unsubscribeNobody: () => send({ method: "POST", path: statusesOf("nobody@heed.invalid"), body: {} }),
  };
}
