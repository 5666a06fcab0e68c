import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { topicsIn } from "./choice.ts";
import type { Scope } from "./event.ts";
import type { SubjectRecord } from "./subject-record.ts";

/** Permits of the silenced topics: those not yet used are revoked, those being handed over are noted. */
export function revokePermits(
  context: HeedContext,
  record: SubjectRecord,
  scope: Scope,
  now: string,
): { writes: readonly Write[]; revoked: readonly string[]; inFlight: number } {
  const topics = topicsIn(context.policy, scope);
  const touched = record.permits.filter((permit) => topics.includes(permit.topic));
  const revoked = touched.filter((permit) => permit.state === "given").map((permit) => permit.id);
  const inFlight = touched.filter((permit) => permit.state === "handing-over" && permit.optedOutAt === null);
  return {
    writes: [
      ...revoked.map((id): Write => ({
        update: "permits",
        where: { id },
        set: { state: "revoked", optedOutAt: now },
      })),
      ...inFlight.map(({ id }): Write => ({ update: "permits", where: { id }, set: { optedOutAt: now } })),
      ...inFlight.map((permit): Write =>
        evidenceWrite(context, now, { kind: "message.in-flight", topic: permit.topic }),
      ),
    ],
    revoked,
    inFlight: inFlight.length,
  };
}
