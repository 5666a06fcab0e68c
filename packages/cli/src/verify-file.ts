import {
  type Checked,
  type Checkpoint,
  type ExportedLog,
  type PublicKeys,
  type Receipt,
  verifyEvidence,
  verifyReceipt,
} from "@heed/core/evidence";
import { CommandError } from "./command-error.ts";
import { readJson } from "./json-file.ts";

/** What a file holds that was checked offline. `receipt` is there when it was one. */
export interface VerifiedFile {
  readonly checked: readonly Checked[];
  readonly receipt?: Receipt;
}

/**
 * Checks a receipt, or an exported log (`{ checkpoints, entries }`), with nothing but public keys. Keys and
 * published checkpoints inside the file count for nothing: whoever altered it could have put them there.
 *
 * @throws CommandError when it is neither; TamperedEvidenceError when it does not hold
 */
export async function verifyFile(
  file: string,
  publicKeys: PublicKeys,
  published: readonly Checkpoint[],
): Promise<VerifiedFile> {
  const given = await readJson(file, "a receipt or a log");
  if (isReceipt(given)) {
    if (published.length > 0)
      throw new CommandError("--published is for a log. A receipt holds one checkpoint, and not the log.");
    return { checked: verifyReceipt(given, publicKeys), receipt: given };
  }
  if (isLog(given)) return { checked: verifyEvidence({ ...given, published, publicKeys }) };
  throw new CommandError(
    "The file is neither a receipt (what heed receipt prints) nor a log ({ checkpoints, entries }).",
  );
}

/** @throws CommandError when the file holds no public keys */
export async function publicKeysIn(file: string): Promise<PublicKeys> {
  const given = await readJson(file, "public keys");
  if (isPublicKeys(given)) return given;
  throw new CommandError(
    "The file of --keys holds no public keys. Pass what heed verify --public-keys prints.",
  );
}

/** Checkpoints, one or a list in each file. What they are worth is seen when they are checked. */
export async function checkpointsIn(files: readonly string[]): Promise<readonly Checkpoint[]> {
  const read = await Promise.all(files.map((file) => readJson(file, "a published checkpoint")));
  return read.flatMap((given) => (Array.isArray(given) ? given : [given])) as readonly Checkpoint[];
}

const isObject = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/** By its first line: whether it has the form of one is the verifier's to say. */
function isReceipt(given: unknown): given is Receipt {
  return isObject(given) && String(given["format"]).startsWith("heed-receipt/");
}

function isLog(given: unknown): given is ExportedLog {
  return isObject(given) && "checkpoints" in given && "entries" in given;
}

/** Each is 32 bytes as base64url. */
const publicKey = /^[A-Za-z0-9_-]{43}$/;

function isPublicKeys(given: unknown): given is PublicKeys {
  return (
    isObject(given) &&
    Object.keys(given).length > 0 &&
    Object.values(given).every((key) => typeof key === "string" && publicKey.test(key))
  );
}
