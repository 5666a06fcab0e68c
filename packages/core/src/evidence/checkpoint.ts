import { createHash, createPublicKey, verify } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { fault } from "./evidence-fault.ts";

/** SHA-256, in its one spelling. */
export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);
export const signatureSchema = z.string().regex(/^[0-9a-f]{128}$/);
export const keyIdSchema = z.string().regex(/^[A-Za-z0-9]{1,4}$/);

const bodyShape = {
  format: z.literal("heed-checkpoint/v1"),
  /** Whose log it is. */
  namespace: z.string(),
  /** 1 for the first checkpoint of the log. */
  seq: z.number().int().positive(),
  /** How many entries the log has. */
  size: z.number().int().positive(),
  /** Root of the hash tree over all of them (RFC 9162 §2.1.1). */
  root: hashSchema,
  /** RFC 3339. */
  at: z.iso.datetime({ precision: 3 }),
  /** Hash of the checkpoint before it. */
  previous: hashSchema.nullable(),
  /** Which key signed it. */
  keyId: keyIdSchema,
};

/** A checkpoint as JSON. */
export const checkpointSchema = z.strictObject({ ...bodyShape, signature: signatureSchema });

/**
 * A signed statement about the whole log at one moment: how long it is, and the root of the tree over every
 * entry. Two logs with the same checkpoint are the same log, so a checkpoint that was published elsewhere
 * shows whether anything before it was altered, moved, removed or cut off since.
 */
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** What is signed of a checkpoint. */
export type CheckpointBody = Omit<Checkpoint, "signature">;

/** Ed25519 public keys by key id: 32 bytes, base64url (the `x` of RFC 8037). What `keys.publicKeys()` answers. */
export type PublicKeys = Readonly<Record<string, string>>;

/** The text that is signed. It begins with what it is, so that no signature counts for anything else. */
export function signedText(what: "checkpoint" | "receipt", body: object): string {
  return `heed ${what} v1\n${canonicalJson(body)}`;
}

/** What the next checkpoint names as `previous`. */
export function checkpointHash(checkpoint: Checkpoint): string {
  return createHash("sha256")
    .update(`heed checkpoint hash v1\n${canonicalJson(checkpoint)}`)
    .digest("hex");
}

/** @throws TamperedEvidenceError `wrong-key` or `forged-signature` */
export function checkSignature(
  what: "checkpoint" | "receipt",
  { signature, ...body }: { readonly keyId: string; readonly signature: string },
  publicKeys: PublicKeys,
): void {
  const { keyId } = body;
  const x = Object.hasOwn(publicKeys, keyId) ? publicKeys[keyId] : undefined;
  if (x === undefined) {
    throw fault(
      "wrong-key",
      `A ${what} is signed with the key "${keyId}", which is none of the public keys given.`,
    );
  }
  if (verify(null, Buffer.from(signedText(what, body)), publicKey(x), Buffer.from(signature, "hex"))) return;
  throw fault("forged-signature", `The signature of a ${what} is not the one of the key "${keyId}".`);
}

function publicKey(x: string) {
  try {
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  } catch {
    throw new TypeError("A public key is 32 bytes as base64url: pass what keys.publicKeys() answered.");
  }
}
