import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { requestShapes } from "./request-shapes.ts";

interface Schema {
  readonly type?: string | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly items?: Schema | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  /** `false`: nothing but the properties. */
  readonly additionalProperties?: Schema | boolean | undefined;
}
const schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    enum: z.array(z.string()).optional(),
    anyOf: z.array(schema).optional(),
    items: schema.optional(),
    properties: z.record(z.string(), schema).optional(),
    additionalProperties: z.union([z.boolean(), schema]).optional(),
  }),
);
const requests = z.record(
  z.string(),
  z.object({ query: z.record(z.string(), schema), body: schema.nullable() }),
);

/** What Stripe's OpenAPI description says of the requests that matter most. */
const documented = requests.parse(
  JSON.parse(readFileSync(new URL("../../test/stripe-requests-core.json", import.meta.url), "utf8")),
);

/** The parameters of a form, by their names, and what each may be: several things, where Stripe takes this or that. */
function* parametersOf(name: string, of: Schema): Generator<readonly [string, string | readonly string[]]> {
  if (of.anyOf !== undefined) for (const each of of.anyOf) yield* parametersOf(name, each);
  else if (of.items !== undefined) yield* parametersOf(`${name}[]`, of.items);
  else if (typeof of.additionalProperties === "object")
    yield* parametersOf(`${name}[*]`, of.additionalProperties);
  else if (of.properties !== undefined)
    for (const [key, each] of Object.entries(of.properties)) yield* parametersOf(`${name}[${key}]`, each);
  else yield [name, of.enum ?? of.type ?? "nothing"];
}

/** Whether Stripe takes all that the stand-in takes. */
function isTaken(shape: string | readonly string[], asked: readonly (string | readonly string[])[]): boolean {
  return asked.some((one) =>
    typeof one === "string"
      ? one === shape || (one === "string" && typeof shape !== "string")
      : typeof shape !== "string" && shape.every((word) => one.includes(word)),
  );
}

describe("what the stand-in takes", () => {
  const known = Object.entries(requestShapes).filter(([endpoint]) => endpoint in documented);

  it("is described for most of what is asked", () => {
    expect(known.length).toBe(Object.keys(documented).length);
    expect(known.length).toBeGreaterThan(25);
  });

  it.each(known)("is what Stripe documents: %s", (endpoint, shapes) => {
    const { query = {}, body = null } = documented[endpoint] ?? {};
    const parameters = [...Object.entries(query), ...Object.entries(body?.properties ?? {})];
    const all = Map.groupBy(
      parameters.flatMap(([name, of]) => [...parametersOf(name, of)]),
      ([name]) => name,
    );
    const undocumented = Object.entries(shapes).filter(
      ([name, shape]) =>
        !isTaken(
          shape,
          (all.get(name) ?? []).map(([, one]) => one),
        ),
    );
    expect(undocumented).toEqual([]);
  });
});
