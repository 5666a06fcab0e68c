import { canonicalJson } from "./canonical-json.ts";
import { checkSignature, type PublicKeys } from "./checkpoint.ts";
import { commitmentTo, leafOf } from "./commitment.ts";
import { fault } from "./evidence-fault.ts";
import { rootFromInclusion } from "./merkle-proof.ts";
import { backupsOf, receiptSchema, summaryOf, type Receipt } from "./receipt.ts";
import { read, type Checked } from "./verify-evidence.ts";

/**
 * Checks a receipt offline: no storage, no secret, no network. Each entry is in the log of the checkpoint, in
 * the place it claims; what the receipt states is what its entries say; checkpoint and receipt are signed with
 * keys that were given.
 *
 * Whether the checkpoint is one of the published log is a question of comparing it, or of
 * `verifyConsistency` where the published one is another.
 *
 * @param receipt from a file, so it may be anything: it is parsed here
 * @throws TamperedEvidenceError at the first thing that does not hold; `code` says what (see `EvidenceFault`)
 */
export function verifyReceipt(receipt: Receipt, publicKeys: PublicKeys): readonly Checked[] {
  const parsed = read(receiptSchema, receipt);
  const { checkpoint, entries, summary, backups } = parsed;
  checkSignature("checkpoint", checkpoint, publicKeys);
  let before = -1;
  for (const { index, id, at, salt, entry, proof } of entries) {
    if (index <= before) throw fault("wrong-order", `The entry ${index} stands after ${before}.`);
    before = index;
    const leaf = leafOf({ id, at, commitment: commitmentTo(salt, canonicalJson(entry)) });
    if (rootFromInclusion(index, checkpoint.size, leaf, proof) !== checkpoint.root)
      throw fault("altered-entry", `The entry ${index} is not the one in the log.`);
  }
  const says = { summary: summaryOf(entries), backups: backupsOf(entries, backups?.lastDays) };
  if (canonicalJson(says) !== canonicalJson({ summary, backups }))
    throw fault("altered-receipt", "The receipt states something else than its entries.");
  checkSignature("receipt", parsed, publicKeys);
  return [
    { what: "entries in the log", count: entries.length },
    { what: "statements", count: Object.keys(summary).length },
    { what: "checkpoint signatures", count: 1 },
    { what: "receipt signature", count: 1 },
  ];
}
