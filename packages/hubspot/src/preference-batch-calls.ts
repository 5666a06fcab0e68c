import { statusesBatchSchema, statusesSchema, wideBatchSchema } from "./hubspot-answers.ts";
import type { Line } from "./hubspot-request.ts";
import { channel, statusChange } from "./preference-calls.ts";

/**
 * Preferences of many addresses at a time, for Enterprise accounts. An answer may leave addresses out, and keeps
 * no order: each row says whose it is.
 *
 * @see https://developers.hubspot.com/docs/api-reference/communication-preferences-subscriptions-v4/guide
 */
export function preferenceBatchCalls({ version, ask }: Line) {
  const batch = `/communication-preferences/${version}/statuses/batch`;
  const byAddress = (path: string, emails: readonly string[], brandId: string | undefined) => ({
    method: "POST" as const,
    path: batch + path,
    query: { ...channel(brandId), verbose: "true" },
    body: { inputs: emails },
  });

  return {
    statusesOfMany: async (emails: readonly string[], brandId: string | undefined) =>
      (await ask(byAddress("/read", emails, brandId), statusesBatchSchema)).results,

    wideStatusesOfMany: async (emails: readonly string[], brandId: string) =>
      (await ask(byAddress("/unsubscribe-all/read", emails, brandId), wideBatchSchema)).results,

    /** The rows that HubSpot has now; an address may be several times among `optOuts`, for other types. */
    unsubscribeMany: async (
      optOuts: readonly { readonly address: string; readonly subscriptionId: string }[],
    ) =>
      (
        await ask(
          {
            method: "POST",
            path: `${batch}/write`,
            body: {
              inputs: optOuts.map(({ address, subscriptionId }) => ({
                subscriberIdString: address,
                ...statusChange(subscriptionId, "UNSUBSCRIBED"),
              })),
            },
          },
          statusesSchema,
        )
      ).results,

    /** The addresses, in lower case, of which HubSpot says that they are opted out. */
    unsubscribeManyFromAll: async (emails: readonly string[], brandId: string) =>
      (await ask(byAddress("/unsubscribe-all", emails, brandId), wideBatchSchema)).results.map((each) =>
        each.subscriberIdString.toLowerCase(),
      ),
  };
}
