import {
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  createPrivateKey,
  createPublicKey,
  sign,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { HeedError } from "../errors/heed-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { open, seal } from "./sealed.ts";

/**
 * What a key may be used for: `staged` and `lookup` keys find what was written under them, only the one
 * `active` key writes, a `retired` key does nothing.
 */
export type KeyState = "staged" | "active" | "lookup" | "retired";

/** What a digest is for. Digests of different uses cannot be joined. */
export type DigestUse = "index" | "suppression" | "evidence" | "restore" | "message";

/** One master secret, from which every use derives its own key (HKDF, RFC 5869). */
interface MasterKey {
  readonly id: string;
  readonly state: KeyState;
  readonly secret: Uint8Array;
}

const tokenMacBytes = 12;
/** What PKCS #8 says before the 32 bytes of an Ed25519 seed (RFC 8410 §7). */
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const keyPattern = /^([A-Za-z0-9]{1,4}):(staged|active|lookup|retired):([A-Za-z0-9_-]{43})$/;

/** Derives, caches and applies the keys of one deployment. Made by {@link keyring} or {@link ephemeralKeys}. */
export class Keyring {
  /** True when the keys die with the process; refused together with durable storage. */
  readonly ephemeral: boolean;
  readonly #keys: readonly MasterKey[];
  readonly #active: MasterKey;
  readonly #derived = new Map<string, KeyObject>();

  /** @internal Use {@link keyring}. */
  constructor(keys: readonly MasterKey[], ephemeral: boolean) {
    const active = keys.filter((key) => key.state === "active");
    const [only, ...others] = active;
    if (only === undefined || others.length > 0) {
      throw new InvalidInputError(`A keyring needs exactly one active key; this one has ${active.length}.`, {
        code: "invalid-keyring",
      });
    }
    if (new Set(keys.map((key) => key.id)).size !== keys.length) {
      throw new InvalidInputError("Two keys of the keyring have the same id.", { code: "invalid-keyring" });
    }
    this.#keys = keys;
    this.#active = only;
    this.ephemeral = ephemeral;
  }

  /** Ids of the keys that can be used, so not of retired ones. */
  get ids(): readonly string[] {
    return this.#keys.filter((key) => key.state !== "retired").map((key) => key.id);
  }

  /** Every key with its state, retired ones too. */
  get states(): readonly { readonly id: string; readonly state: KeyState }[] {
    return this.#keys.map(({ id, state }) => ({ id, state }));
  }

  /** Id of the key that writes. */
  get activeId(): string {
    return this.#active.id;
  }

  /** Wraps a data key for storage; `owner` is authenticated. */
  wrap(dataKey: Uint8Array, owner: string): { wrapped: Uint8Array; keyId: string } {
    const wrapped = seal(
      this.#derive(this.#active, "seal"),
      Buffer.from(dataKey).toString("base64url"),
      owner,
    );
    return { wrapped, keyId: this.#active.id };
  }

  /** @throws HeedError `unknown-key` when the keyring lacks the key; TamperedEvidenceError when altered */
  unwrap(wrapped: Uint8Array, keyId: string, owner: string): Uint8Array {
    const key = this.#keys.find((each) => each.id === keyId && each.state !== "retired");
    if (key === undefined) throw unknownKey(keyId);
    return new Uint8Array(Buffer.from(open(this.#derive(key, "seal"), wrapped, owner), "base64url"));
  }

  /** Keyed digest under the active key: `<key id>.<HMAC-SHA-256, base64url>`. */
  digest(use: DigestUse, ...parts: readonly string[]): string {
    return this.#digestUnder(this.#active, use, parts);
  }

  /** The digest under every key that may still be looked up, the active one first. */
  digests(use: DigestUse, ...parts: readonly string[]): readonly [string, ...string[]] {
    const others = this.#keys.filter((key) => key !== this.#active && key.state !== "retired");
    return [this.digest(use, ...parts), ...others.map((key) => this.#digestUnder(key, use, parts))];
  }

  /** A token over `payload`: `<key id>.<payload and 96-bit MAC, base64url>`. */
  token(purpose: string, payload: Uint8Array): string {
    const mac = this.#tokenMac(this.#active, purpose, payload);
    return `${this.#active.id}.${Buffer.concat([payload, mac]).toString("base64url")}`;
  }

  /**
   * The payload of an authentic token.
   * @throws TamperedEvidenceError for anything else; the message is the same for every defect
   */
  openToken(purpose: string, token: string, payloadBytes: number): Uint8Array {
    const refuse = () => new TamperedEvidenceError("The token is not authentic.", { code: "tampered-token" });
    const [id = "", body = "", ...rest] = token.length > 64 ? [] : token.split(".");
    const key = this.#keys.find((each) => each.id === id && each.state !== "retired");
    const bytes = Buffer.from(body, "base64url");
    // The second encoding must equal the first: base64url has several spellings of one value.
    if (key === undefined || rest.length > 0 || bytes.length !== payloadBytes + tokenMacBytes) throw refuse();
    if (bytes.toString("base64url") !== body) throw refuse();
    const payload = bytes.subarray(0, payloadBytes);
    if (!timingSafeEqual(this.#tokenMac(key, purpose, payload), bytes.subarray(payloadBytes))) throw refuse();
    return new Uint8Array(payload);
  }

  /** Signs a text with the active key: Ed25519 (RFC 8032), as 128 lower-case hexadecimal digits. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.#signingKey(this.#active)).toString("hex");
  }

  /** Id of the key that {@link sign} uses. */
  get signingKeyId(): string {
    return this.#active.id;
  }

  /**
   * The public half of every key, whatever its state, by key id: Ed25519, 32 bytes as base64url. Nothing in it
   * is secret. Publish it where people can find it, and keep those of keys that are gone from the keyring:
   * what they signed is checked with them.
   */
  publicKeys(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#keys.map((key) => [
        key.id,
        createPublicKey(this.#signingKey(key)).export({ format: "jwk" }).x ?? "",
      ]),
    );
  }

  #signingKey(key: MasterKey): KeyObject {
    const der = Buffer.concat([ed25519Prefix, this.#derive(key, "sign").export()]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  }

  #digestUnder(key: MasterKey, use: DigestUse, parts: readonly string[]): string {
    const mac = createHmac("sha256", this.#derive(key, `digest/${use}`));
    // Length before each part, so that no two lists of parts run together to the same bytes.
    for (const part of parts) mac.update(`${Buffer.byteLength(part)}:${part}`);
    return `${key.id}.${mac.digest("base64url")}`;
  }

  #tokenMac(key: MasterKey, purpose: string, payload: Uint8Array): Buffer {
    const mac = createHmac("sha256", this.#derive(key, `token/${purpose}`)).update(payload);
    // By way of a string: a digest as a Buffer has memory of its own, which costs about as much as the HMAC.
    return Buffer.from(mac.digest("binary").slice(0, tokenMacBytes), "binary");
  }

  #derive(key: MasterKey, use: string): KeyObject {
    const name = `${key.id}/${use}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const derived = createSecretKey(new Uint8Array(hkdfSync("sha256", key.secret, "heed/v1", use, 32)));
    this.#derived.set(name, derived);
    return derived;
  }
}

/** The storage was written with a key that this process was not given, or that was retired too early. */
export function unknownKey(id: string): HeedError {
  return new HeedError(
    `The keyring has no key "${id}", or has it as \`retired\`, and storage was written with it. Add it to HEED_KEYS as \`lookup\`, in every process that lacks it.`,
    { code: "unknown-key" },
  );
}

/** One line of a keyring: a fresh random secret. What the `heed keys` command prints. */
export function newKey(state: KeyState = "active"): string {
  const id = randomBytes(8)
    .toString("base64url")
    .replaceAll(/[^A-Za-z0-9]/g, "x")
    .slice(0, 4);
  return `${id}:${state}:${randomBytes(32).toString("base64url")}`;
}

/**
 * Reads a keyring: entries `<id>:<state>:<secret>` separated by spaces, commas or newlines.
 *
 * @param text usually `process.env.HEED_KEYS`
 * @throws InvalidInputError when it is missing or cannot be read; the message names the command that makes one
 */
export function keyring(text: string | undefined): Keyring {
  const make =
    "Make one with `npx @heed/cli keys` and pass it in, for example as the environment variable HEED_KEYS.";
  if (text === undefined || text.trim() === "") {
    throw new InvalidInputError(`There is no keyring. ${make}`, { code: "missing-keyring" });
  }
  const keys = text
    .trim()
    .split(/[\s,]+/)
    .map((entry, index): MasterKey => {
      const [, id, state, secret] = keyPattern.exec(entry) ?? [];
      if (id === undefined || state === undefined || secret === undefined) {
        throw new InvalidInputError(
          `Entry ${index + 1} of the keyring is not of the form <id>:<state>:<secret>, with a state of staged, active, lookup or retired. Look for quotation marks, a name in front, or an end that was cut off. For a new database alone: ${make}`,
          { code: "invalid-keyring" },
        );
      }
      return { id, state: state as KeyState, secret: new Uint8Array(Buffer.from(secret, "base64url")) };
    });
  return new Keyring(keys, false);
}

/** Random keys that die with the process: for tests and first steps, with storage that dies with it too. */
export function ephemeralKeys(): Keyring {
  return new Keyring([{ id: "tmp", state: "active", secret: new Uint8Array(randomBytes(32)) }], true);
}
