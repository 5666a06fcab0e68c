import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { isFinal } from "../requests/lifecycle.ts";
import { noSuchRequest } from "../requests/read-request.ts";
import { parsedJson } from "./canonical-json.ts";
import { signedText } from "./checkpoint.ts";
import { evidenceEntrySchema } from "./entry.ts";
import { fault } from "./evidence-fault.ts";
import { inclusionRanges } from "./merkle-proof.ts";
import { backupsOf, summaryOf, type Receipt } from "./receipt.ts";
import { checkpointFrom, sealEvidence } from "./seal-evidence.ts";
import { treeHashes } from "./tree-hashes.ts";
import { verifyReceipt } from "./verify-receipt.ts";

/**
 * The receipt of a closed request. What is not yet sealed is sealed first.
 *
 * @param backupsLastDays how long back-ups of the database are kept, where the controller says it
 * @throws ConflictError `request-open`; InvalidInputError `no-such-request`, `evidence-pruned`
 * @throws TamperedEvidenceError when the evidence does not prove what the receipt would say
 */
export async function issueReceipt(
  context: HeedContext,
  requestId: string,
  backupsLastDays: number | undefined,
): Promise<Receipt> {
  await checkClosed(context, requestId);
  await sealEvidence(context);
  const { checkpoint, rows, now } = await sealedEvidenceOf(context, requestId);
  const whole = { from: 0, to: checkpoint.size };
  const proofs = rows.map(({ index }) => inclusionRanges(index, whole));
  const hashes = [...(await treeHashes(context, proofs.flat()))];
  const entries = rows.map((row, at) => ({ ...row, proof: hashes.splice(0, proofs[at]?.length ?? 0) }));
  const summary = summaryOf(entries);
  if (summary === undefined) {
    throw new InvalidInputError("The evidence of this request was pruned, so there is no receipt any more.", {
      code: "evidence-pruned",
    });
  }
  const body = {
    format: "heed-receipt/v1",
    issuedAt: now,
    summary,
    backups: backupsOf(entries, backupsLastDays),
    digests: "keyed: only the holder of the key can link a digest to a person",
    entries,
    checkpoint,
    keyId: context.keys.signingKeyId,
  } as const;
  const receipt: Receipt = { ...body, signature: context.keys.sign(signedText("receipt", body)) };
  // heed signs nothing that it would not accept. The checkpoint may be signed with a key that has left since.
  const { keyId } = checkpoint;
  const publicKeys = context.keys.publicKeys();
  if (keyId in publicKeys) verifyReceipt(receipt, publicKeys);
  return receipt;
}

async function checkClosed(context: HeedContext, id: string): Promise<void> {
  const { namespace, storage, clock } = context;
  const state = await storage.transact({
    lock: [],
    clock,
    read: { requests: { from: "requests", where: { id, namespace } } },
    decide: ({ requests }) => ({ writes: [], answer: requests[0]?.state }),
  });
  if (state === undefined) throw noSuchRequest();
  if (isFinal(state)) return;
  throw new ConflictError("The request is still open: there is a receipt once it has ended.", {
    code: "request-open",
  });
}

function sealedEvidenceOf(context: HeedContext, requestId: string) {
  const { namespace, storage, clock } = context;
  return storage.transact({
    lock: [],
    clock,
    read: {
      newest: { from: "checkpoints", where: { namespace, isNewest: 1 } },
      // By the request alone: asked for what is sealed as well, a database may begin there, at the whole log.
      evidence: { from: "evidence", where: { requestId } },
    },
    decide: ({ newest: [newest], evidence }, now) => {
      const sealed = evidence.filter((row) => row.namespace === namespace && row.sealedAs !== null);
      const rows = sealed.toSorted((one, other) => (one.sealedAs ?? 0) - (other.sealedAs ?? 0));
      if (newest === undefined)
        throw fault("missing-checkpoint", "There is evidence of this request, and no checkpoint.");
      return {
        writes: [],
        answer: { checkpoint: checkpointFrom(newest), rows: rows.map((row) => openEntry(row)), now },
      };
    },
  });
}

function openEntry({
  id,
  at,
  sealedAs,
  salt,
  entry,
}: Row<"evidence">): Omit<Receipt["entries"][number], "proof"> {
  const parsed = evidenceEntrySchema.safeParse(parsedJson(entry ?? ""));
  if (!parsed.success || sealedAs === null)
    throw fault("altered-entry", "An entry about this request is not what was sealed.");
  return { index: sealedAs, id, at, salt: salt ?? "", entry: parsed.data };
}
