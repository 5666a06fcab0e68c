import { readFile } from "node:fs/promises";
import { z } from "zod";

/** A person of the input file, and where AxCrypt and its vendors know them. */
const personSchema = z.strictObject({
  name: z.string(),
  /** The address of the account. */
  email: z.string(),
  /** More addresses that HubSpot keeps at the same contact. */
  alsoAtHubspot: z.array(z.string()).default([]),
  hasAccount: z.boolean().default(true),
  isHubspotContact: z.boolean().default(true),
  consents: z.boolean().default(true),
  /** Stripe customers, each with its cards; `paying`: with a subscription that runs. */
  stripe: z
    .array(
      z.strictObject({
        email: z.string().optional(),
        cards: z.number().int(),
        paying: z.boolean().default(false),
      }),
    )
    .default([]),
});

export type Person = z.infer<typeof personSchema>;

/** What a person asks for. */
const wishSchema = z.strictObject({
  email: z.string(),
  wish: z.enum(["one-click", "withdraw", "stopped-paying", "erase"]),
});

type Wish = z.infer<typeof wishSchema>;

/** Who is in the demo, and what they wish. */
export interface Cast {
  readonly people: readonly Person[];
  readonly wishes: readonly Wish[];
}

/** The cast of the input folder. */
export async function readCast(): Promise<Cast> {
  const [people, wishes] = await Promise.all([
    readInput("people.json", personSchema),
    readInput("wishes.json", wishSchema),
  ]);
  return { people, wishes };
}

async function readInput<T>(name: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  return z
    .array(schema)
    .parse(JSON.parse(await readFile(new URL(`../input/${name}`, import.meta.url), "utf8")));
}
