/** A request's parameters, flat: `expand[0]=x` and `expand[]=x` are `expand[]`, `a[b]=x` is `a[b]`. */
export type Params = ReadonlyMap<string, readonly string[]>;

/** Reads a query string or a form body as Stripe does. */
export function decodeForm(text: string): Params {
  const params = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(text)) {
    const name = key.replaceAll(/\[\d*\]/g, "[]");
    params.set(name, [...(params.get(name) ?? []), value]);
  }
  return params;
}

/** Reads a JSON body, as the v2 API has it, into the same flat form. */
export function decodeJson(text: string): Params {
  const params = new Map<string, string[]>();
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) add(`${name}[]`, each);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) add(name === "" ? key : `${name}[${key}]`, inner);
    } else params.set(name, [...(params.get(name) ?? []), String(value)]);
  };
  add("", text === "" ? {} : JSON.parse(text));
  return params;
}

/** The value of a parameter that is given once. */
export function one(params: Params, name: string): string | undefined {
  return params.get(name)?.at(-1);
}
