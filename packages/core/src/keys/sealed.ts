import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from "node:crypto";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";

const version = 1;
const ivBytes = 12;
const tagBytes = 16;

const drawnAtOnce = 4096;
let drawn = new Uint8Array(0);

/** Random bytes, drawn from the system by the page: asked for each nonce, it costs more than the sealing does. */
function random(length: number): Uint8Array {
  if (drawn.length < length) drawn = randomBytes(drawnAtOnce);
  const taken = Uint8Array.from(drawn.subarray(0, length));
  // What was handed out is kept nowhere else.
  drawn.fill(0, 0, length);
  drawn = drawn.subarray(length);
  return taken;
}

/** A fresh 256-bit key. */
export function newDataKey(): Uint8Array {
  return random(32);
}

/** Bytes as OpenSSL takes them: passed as bytes, a key costs Node several times what the sealing does. */
function keyObject(key: Uint8Array | KeyObject): KeyObject {
  return key instanceof Uint8Array ? createSecretKey(key) : key;
}

/**
 * Seals text with AES-256-GCM: version, nonce, tag, ciphertext. `context` (the row it lies in) is
 * authenticated, so that a sealed value moved to another row does not open.
 */
export function seal(key: Uint8Array | KeyObject, text: string, context: string): Uint8Array {
  const iv = random(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", keyObject(key), iv).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return new Uint8Array(Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), body]));
}

/** @throws TamperedEvidenceError when the value was altered, moved, or sealed under another key */
export function open(key: Uint8Array | KeyObject, sealed: Uint8Array, context: string): string {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  try {
    if (bytes[0] !== version) throw new RangeError("unknown version of sealing");
    const tag = bytes.subarray(1 + ivBytes, 1 + ivBytes + tagBytes);
    const decipher = createDecipheriv("aes-256-gcm", keyObject(key), bytes.subarray(1, 1 + ivBytes), {
      authTagLength: tagBytes,
    })
      .setAAD(Buffer.from(context))
      .setAuthTag(tag);
    const text = decipher.update(bytes.subarray(1 + ivBytes + tagBytes));
    // Checks the tag. A stream cipher holds nothing back for it.
    decipher.final();
    return text.toString("utf8");
  } catch (cause) {
    throw new TamperedEvidenceError(
      "A sealed value does not open: it was altered or its key is another one.",
      { cause },
    );
  }
}
