import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { newDataKey, seal } from "../keys/sealed.ts";
import { readAgain } from "../ledger/identifiers.ts";
import { suppressionDigests } from "../ledger/name-subject.ts";
import { dataKeyOf } from "../ledger/subject-record.ts";
import { farewellTermMs } from "./farewell.ts";

/** What is read of somebody before heed forgets them. */
export interface BeforeForgetting {
  readonly identifiers: readonly Row<"identifiers">[];
  readonly dataKeys: readonly Row<"dataKeys">[];
  readonly requests: readonly Row<"requests">[];
  /** Of the same request. */
  readonly farewells: readonly Row<"farewells">[];
}

/**
 * Seals the address that the farewell goes to, under a key of its own: with the subject's key everything else that says
 * it is gone. None where nobody showed that an address is theirs, and none where there was one for this erasure: a
 * restored database carries it out again, and nobody is told twice.
 */
export function sealFarewell(
  context: Pick<HeedContext, "keys" | "namespace" | "farewell">,
  subjectId: string,
  { identifiers, dataKeys, requests, farewells }: BeforeForgetting,
  now: string,
): readonly Write[] {
  const [request] = requests;
  if (context.farewell === undefined || request?.right !== "erasure" || farewells.length > 0) return [];
  const named = JSON.parse(request.named) as string[];
  const shown = identifiers
    .filter((row) => row.kind === "email" && row.verified === 1)
    .toSorted((one, other) => other.addedAt.localeCompare(one.addedAt));
  const address = shown.find((row) => named.includes(row.digest)) ?? shown[0];
  if (address === undefined) return [];
  const identifier = readAgain(dataKeyOf(context, dataKeys, subjectId), address);
  const id = randomUUID();
  const key = newDataKey();
  const expiresAt = new Date(Date.parse(now) + farewellTermMs).toISOString();
  const row: Row<"farewells"> = {
    id,
    namespace: context.namespace,
    requestId: request.id,
    address: suppressionDigests(context, [identifier])[0] ?? null,
    sealed: seal(key, identifier.value, `farewells/${id}`),
    state: "open",
    tries: 0,
    // The end of the request makes it due.
    dueAt: expiresAt,
    handedOverAt: null,
    outcome: null,
    expiresAt,
  };
  return [
    { insert: "farewells", row },
    { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(key, id) } },
  ];
}
