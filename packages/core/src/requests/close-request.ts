import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import type { RequestState } from "./lifecycle.ts";

/** Ends a request: its work key goes, the subject is unfrozen if it is still there, its farewell is due, evidence is kept. */
export function closingWrites(
  context: HeedContext,
  request: Row<"requests">,
  state: RequestState,
  now: string,
  because: string | null = null,
): readonly Write[] {
  // By what they were named is no longer needed: nobody is found by it.
  const isErased = request.right === "erasure" && (state === "fulfilled" || state === "partially_fulfilled");
  return [
    {
      update: "requests",
      where: { id: request.id },
      set: { state, closedAt: now, because, ...(isErased ? { named: "[]" } : {}) },
    },
    { update: "steps", where: { requestId: request.id }, set: { sealed: null } },
    { remove: "dataKeys", where: { owner: request.id } },
    { update: "subjects", where: { id: request.subjectId, frozenBy: request.id }, set: { frozenBy: null } },
    ...(isErased
      ? [{ update: "farewells", where: { requestId: request.id }, set: { dueAt: now } } as const]
      : []),
    evidenceWrite(context, now, {
      kind: "request.closed",
      requestId: request.id,
      right: request.right,
      identity: request.identity,
      state: state.replaceAll("_", "-"),
      receivedAt: request.receivedAt,
      dueOn: request.dueOn,
      late: now >= request.dueAt,
      ...(because === null ? {} : { because }),
      subject: JSON.parse(request.subjectDigests) as string[],
    }),
  ];
}
