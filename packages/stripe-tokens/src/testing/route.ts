import type { Params } from "./form.ts";
import { mayHave } from "./look-up.ts";
import type { StripeObject, StripeState } from "./stripe-objects.ts";
import type { SetSwitches } from "./switches.ts";
import type { World } from "./world.ts";

/** What a request asks of an endpoint. */
export interface Asked {
  readonly state: StripeState;
  readonly switches: SetSwitches;
  readonly count: World["count"];
  /** The mode of the key. Objects of the other mode do not exist for it. */
  readonly live: boolean;
  readonly path: string;
  /** The ids in the path, in their order. */
  readonly ids: readonly string[];
  readonly params: Params;
}

/** One endpoint: its name (`POST /v1/payment_methods/{id}/detach`) and what it does. */
export interface Route {
  readonly endpoint: string;
  /** Known only to requests of a preview version, in accounts that have it. */
  readonly preview?: boolean;
  run(asked: Asked): object;
  /** The customer that a write locks. */
  locks?(asked: Asked): string | undefined;
}

/** The rows that the key's mode can see, oldest first. */
export function inMode<T extends StripeObject>(rows: ReadonlyMap<string, T>, asked: Asked): T[] {
  return [...rows.values()].filter((row) => row.livemode === asked.live);
}

/** Those of them of which a field has a value. */
export function inModeWith<T extends StripeObject>(
  rows: ReadonlyMap<string, T>,
  asked: Asked,
  field: keyof T & string,
  value: string,
): T[] {
  return mayHave(rows, field, value).filter((row) => row.livemode === asked.live && row[field] === value);
}

/** The object, unless it does not exist or is of the other mode. */
export function seen<T extends StripeObject>(
  rows: ReadonlyMap<string, T>,
  id: string | undefined,
  asked: Asked,
): T | undefined {
  const row = rows.get(id ?? "");
  return row?.livemode === asked.live ? row : undefined;
}
