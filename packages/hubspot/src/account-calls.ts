import { accountSchema, namesSchema } from "./hubspot-answers.ts";
import type { Line } from "./hubspot-request.ts";
import { readAnswer } from "./hubspot-request.ts";

/** How closely HubSpot guards a property. The more it does, the more scopes its values need. */
export const sensitivities = ["non_sensitive", "sensitive", "highly_sensitive"] as const;
export type Sensitivity = (typeof sensitivities)[number];

/** What HubSpot says of the account. */
export interface Account {
  readonly portalId: string;
  /** IANA name of the zone whose midnight ends the daily quota. */
  readonly timeZone: string | undefined;
  /** The rolling limit of this token; undefined where the answer does not tell. */
  readonly burst: { readonly calls: number; readonly perMs: number } | undefined;
  /** Calls in a day of the whole account; undefined where the answer does not tell. */
  readonly daily: number | undefined;
}

/** Which account it is, and what its contacts have. */
export function accountCalls({ version, operation, send, ask }: Line) {
  return {
    async account(): Promise<Account> {
      const answer = await send({ method: "GET", path: `/account-info/${version}/details` });
      const { portalId, timeZone } = readAnswer(answer, accountSchema, operation);
      const said = (name: string) => {
        const value = answer.headers.get(`x-hubspot-ratelimit-${name}`);
        return value !== null && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
      };
      const [calls, perMs] = [said("max"), said("interval-milliseconds")];
      return {
        portalId,
        timeZone: timeZone ?? undefined,
        burst: calls === undefined || perMs === undefined ? undefined : { calls, perMs },
        daily: said("daily"),
      };
    },

    /** The names of all properties of a type, of one sensitivity. */
    async propertyNames(
      type: string,
      sensitivity: Sensitivity = "non_sensitive",
    ): Promise<readonly string[]> {
      const { results } = await ask(
        {
          method: "GET",
          path: `/crm/properties/${version}/${type}`,
          ...(sensitivity === "non_sensitive" ? {} : { query: { dataSensitivity: sensitivity } }),
        },
        namesSchema,
      );
      return results.map(({ name }) => name);
    },
  };
}
