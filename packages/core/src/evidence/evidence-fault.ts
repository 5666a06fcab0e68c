import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";

/** The code of a `TamperedEvidenceError`: what does not hold. */
export type EvidenceFault =
  /** The file or row has not the form that it must have. */
  | "unreadable"
  /** An entry is not what was sealed. */
  | "altered-entry"
  /** What an entry said is gone, and no entry says that it was pruned. */
  | "emptied-entry"
  /** An entry in the middle is not there. */
  | "missing-entry"
  /** Entries do not stand in the order in which they were sealed. */
  | "wrong-order"
  /** The log is shorter than a checkpoint says. */
  | "missing-tail"
  /** The log goes on after its newest checkpoint. */
  | "unsealed-tail"
  /** A checkpoint is not what was signed, or does not follow the one before it. */
  | "altered-checkpoint"
  | "missing-checkpoint"
  /** What was published earlier is not the beginning of this log. */
  | "rewritten"
  /** What a receipt states is not what its entries say. */
  | "altered-receipt"
  /** Signed with a key that the verifier was not given. */
  | "wrong-key"
  | "forged-signature";

export function fault(code: EvidenceFault, message: string): TamperedEvidenceError {
  return new TamperedEvidenceError(message, { code });
}
