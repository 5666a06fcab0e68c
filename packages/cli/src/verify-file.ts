import {
  type Checked,
  type Checkpoint,
  type PublicKeys,
  type Receipt,
  verifyLog,
  verifyReceipt,
} from "@heed/core/evidence";
import { CommandError } from "./command-error.ts";
import { readJson } from "./json-file.ts";
import { linesIn } from "./lines-in.ts";

const role = "a receipt or a log";
const expectedFile = "It is what heed receipt or heed evidence wrote, whole and unchanged.";
const expectedKeys = "Pass what heed verify --public-keys prints.";
const expectedCheckpoint =
  "It holds one checkpoint as JSON, or an array of them: what createHeed({ evidence: { publish } }) is given, or heed.evidence.checkpoint() answers, through JSON.stringify.";

/** What a file holds that was checked offline. `receipt` is there when it was one. */
export interface VerifiedFile {
  readonly checked: readonly Checked[];
  readonly receipt?: Receipt;
}

/**
 * Checks a receipt, or a log as `heed evidence` writes it, with nothing but public keys. Keys and published
 * checkpoints inside the file count for nothing: whoever altered it could have put them there.
 *
 * @throws CommandError when it is neither; TamperedEvidenceError when it does not hold
 */
export async function verifyFile(
  file: string,
  publicKeys: PublicKeys,
  published: readonly Checkpoint[],
): Promise<VerifiedFile> {
  // A log may be of any length, so it is never read whole; its first line says that it is one.
  if (await isLog(file)) return { checked: await verifyLog(linesIn(file, role), { publicKeys, published }) };
  const given = await readJson(file, role, expectedFile);
  if (!isReceipt(given))
    throw new CommandError(
      "The file is neither a receipt (what heed receipt prints) nor a log (what heed evidence writes).",
    );
  if (published.length > 0)
    throw new CommandError("--published is for a log. A receipt holds one checkpoint, and not the log.");
  return { checked: verifyReceipt(given, publicKeys), receipt: given };
}

/** @throws CommandError when the file holds no public keys */
export async function publicKeysIn(file: string): Promise<PublicKeys> {
  const given = await readJson(file, "public keys", expectedKeys);
  if (isPublicKeys(given)) return given;
  throw new CommandError(`The file of --keys holds no public keys. ${expectedKeys}`);
}

/** Checkpoints, one or a list in each file. What they are worth is seen when they are checked. */
export async function checkpointsIn(files: readonly string[]): Promise<readonly Checkpoint[]> {
  const read = await Promise.all(
    files.map((file) => readJson(file, "a published checkpoint", expectedCheckpoint)),
  );
  return read.flatMap((given) => (Array.isArray(given) ? given : [given])) as readonly Checkpoint[];
}

const isObject = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/** By its first line: whether it has the form of one is the verifier's to say. */
function isReceipt(given: unknown): given is Receipt {
  return isObject(given) && String(given["format"]).startsWith("heed-receipt/");
}

/** By its first line, which is a checkpoint: whether the rest is a log is the verifier's to say. */
async function isLog(file: string): Promise<boolean> {
  for await (const line of linesIn(file, role)) return line.startsWith('{"format":"heed-checkpoint/');
  return false;
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
