import { createPublicKey, verify } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { createHeed } from "../heed.ts";
import { memory } from "../memory/memory.ts";
import { shopPolicy } from "../../test/shop.ts";
import { smallCrm } from "../../test/small-crm.ts";
import { ephemeralKeys, keyring, newKey, type DigestUse, type KeyState } from "./keyring.ts";
import { newDataKey } from "./sealed.ts";

const secretOf = (entry: string) => entry.split(":")[2] ?? "";
const inState = (entry: string, state: KeyState) => entry.replace(/:[a-z]+:/, `:${state}:`);
const uses: readonly DigestUse[] = ["index", "suppression", "evidence", "restore", "message"];

function refusalOf(text: string | undefined): InvalidInputError {
  try {
    keyring(text);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  return expect.fail("the keyring was accepted");
}

describe("keyring", () => {
  it("reads what newKey writes, however the entries are separated", () => {
    for (let n = 0; n < 100; n += 1) expect(() => keyring(newKey())).not.toThrow();
    for (const separator of [" ", ",", "\n", ", ", " \r\n\t"]) {
      const text = ["aa", "bb", "cc"].map((id) => inState(newKey(), "lookup").replace(/^[^:]+/, id));
      expect(() => keyring([...text, newKey()].join(separator))).not.toThrow();
    }
  });

  it.each([undefined, "", "   ", "\n"])(
    "names the command that makes one when it is missing (%j)",
    (text) => {
      const error = refusalOf(text);
      expect(error.code).toBe("missing-keyring");
      expect(error.message).toContain("npx @heed/cli keys");
      expect(error.message).toContain("HEED_KEYS");
    },
  );

  const secret = secretOf(newKey());
  it.each([
    secret,
    `k1:${secret}`,
    `k1:active:${secret.slice(1)}`,
    `k1:active:${secret}A`,
    `k1:Active:${secret}`,
    `k1:deleted:${secret}`,
    `toolong:active:${secret}`,
    `:active:${secret}`,
    `k 1:active:${secret}`,
    `k1:active:${secret.slice(0, 42)}!`,
    `k1:active:${secret};k2:lookup:${secret}`,
  ])("names the command, the entry and no secret when it cannot be read (%#)", (text) => {
    const error = refusalOf(`${newKey("lookup")} ${text}`);
    expect(error.code).toBe("invalid-keyring");
    expect(error.message).toContain("npx @heed/cli keys");
    expect(error.message).toMatch(/Entry 2 .* staged, active, lookup or retired.* quotation marks/);
    expect(inspect(error, { showHidden: true })).not.toContain(secret.slice(1, 42));
  });

  it("needs exactly one active key", () => {
    const one = newKey().replace(/^[^:]+/, "a");
    const other = newKey().replace(/^[^:]+/, "b");
    expect(refusalOf(`${one} ${other}`).message).toContain("exactly one active key; this one has 2");
    expect(refusalOf(inState(one, "staged")).message).toContain("this one has 0");
    expect(() => keyring(`${one} ${inState(other, "staged")}`)).not.toThrow();
  });

  it("refuses two keys of one id, also when one is retired", () => {
    const one = newKey().replace(/^[^:]+/, "a");
    for (const state of ["staged", "lookup", "retired"] as const) {
      const error = refusalOf(`${one} ${inState(newKey().replace(/^[^:]+/, "a"), state)}`);
      expect(error).toMatchObject({ code: "invalid-keyring" });
      expect(error.message).toContain("same id");
    }
  });
});

describe("digests", () => {
  const keys = keyring(newKey());

  it("of different uses cannot be joined", () => {
    const digests = uses.map((use) => keys.digest(use, "default", "email", "anna@example.org"));
    expect(new Set(digests).size).toBe(uses.length);
  });

  it("are the same for the same parts, and for no other list of parts", () => {
    const parts = fc.array(fc.string(), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(keys.digest("index", ...one) === keys.digest("index", ...other)).toBe(isSame);
      }),
    );
    for (const [one, other] of [
      [
        ["ab", "c"],
        ["a", "bc"],
      ],
      [["abc"], ["abc", ""]],
      [["1:a"], ["a"]],
      [["a2:bc"], ["a", "bc"]],
    ] as const)
      expect(keys.digest("index", ...one)).not.toBe(keys.digest("index", ...other));
  });

  it("differ from keyring to keyring", () => {
    expect(keyring(newKey()).digest("index", "a")).not.toBe(keyring(newKey()).digest("index", "a"));
    expect(ephemeralKeys().digest("index", "a")).not.toBe(ephemeralKeys().digest("index", "a"));
  });

  it("are looked up under staged and lookup keys, never under retired ones, the active one first", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => newKey().replace(/^[^:]+/, id)) as [
      string,
      string,
      string,
      string,
    ];
    const all = keyring(
      [inState(a, "lookup"), inState(b, "staged"), inState(c, "retired"), inState(d, "active")].join(" "),
    );
    const looked = all.digests("suppression", "x");
    expect(looked.map((digest) => digest.split(".")[0])).toEqual(["d", "a", "b"]);
    expect(looked[0]).toBe(all.digest("suppression", "x"));
    const before = keyring(inState(a, "active")).digest("suppression", "x");
    expect(looked).toContain(before);
    expect(looked).not.toContain(keyring(inState(c, "active")).digest("suppression", "x"));
  });
});

describe("wrapped data keys", () => {
  it("open under the key that wrapped them while it may be looked up", () => {
    const old = newKey().replace(/^[^:]+/, "old");
    const dataKey = newDataKey();
    const { wrapped, keyId } = keyring(old).wrap(dataKey, "owner");
    const rotated = keyring(`${inState(old, "lookup")} ${newKey().replace(/^[^:]+/, "new")}`);
    expect(rotated.unwrap(wrapped, keyId, "owner")).toEqual(new Uint8Array(dataKey));
    expect(rotated.wrap(dataKey, "owner").keyId).toBe("new");
    const retired = keyring(`${inState(old, "retired")} ${newKey().replace(/^[^:]+/, "new")}`);
    expect(() => retired.unwrap(wrapped, keyId, "owner")).toThrow(/no key "old"/);
  });

  it("do not open for another owner, nor under a key that only has the same id", () => {
    const keys = keyring(newKey().replace(/^[^:]+/, "k"));
    const { wrapped, keyId } = keys.wrap(newDataKey(), "owner");
    expect(() => keys.unwrap(wrapped, keyId, "somebody else")).toThrow(TamperedEvidenceError);
    const stranger = keyring(newKey().replace(/^[^:]+/, "k"));
    expect(() => stranger.unwrap(wrapped, keyId, "owner")).toThrow(TamperedEvidenceError);
  });
});

describe("tokens", () => {
  it("open to their payload for their purpose, and for no other", () => {
    const keys = keyring(newKey());
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (payload) => {
        const token = keys.token("unsubscribe", payload);
        fc.pre(token.length <= 64);
        expect(keys.openToken("unsubscribe", token, payload.length)).toEqual(Uint8Array.from(payload));
        expect(() => keys.openToken("confirm", token, payload.length)).toThrow(TamperedEvidenceError);
        expect(() => keys.openToken("unsubscribe", token, payload.length + 1)).toThrow(TamperedEvidenceError);
      }),
    );
  });
});

describe("ephemeral keys", () => {
  const processors = { crm: smallCrm().processor };

  it("are refused together with durable storage, with what to do instead", () => {
    const storage = { ...memory(), durable: true, name: "sqlite" };
    const put = () => createHeed({ policy: shopPolicy, storage, keys: ephemeralKeys(), processors });
    expect(put).toThrow(InvalidInputError);
    expect(put).toThrow(/"sqlite".*npx @heed\/cli keys/s);
    expect(() =>
      createHeed({ policy: shopPolicy, storage, keys: keyring(newKey()), processors }),
    ).not.toThrow();
  });

  it("go together with storage that dies with the process", () => {
    expect(() =>
      createHeed({ policy: shopPolicy, storage: memory(), keys: ephemeralKeys(), processors }),
    ).not.toThrow();
  });
});

describe("signing", () => {
  const isSignedBy = (x: string | undefined, text: string, signature: string) =>
    verify(
      null,
      Buffer.from(text),
      createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: x ?? "" }, format: "jwk" }),
      Buffer.from(signature, "hex"),
    );

  it("is checked with the public key alone, the same in every process that has the key", () => {
    const entry = newKey();
    const [one, other] = [keyring(entry), keyring(entry)];
    const signature = one.sign("text");
    expect(signature).toMatch(/^[0-9a-f]{128}$/);
    expect(other.publicKeys()).toEqual(one.publicKeys());
    const x = other.publicKeys()[one.signingKeyId];
    expect(isSignedBy(x, "text", signature)).toBe(true);
    expect(isSignedBy(x, "another text", signature)).toBe(false);
    const stranger = keyring(newKey());
    expect(isSignedBy(stranger.publicKeys()[stranger.signingKeyId], "text", signature)).toBe(false);
  });

  it("is done by the active key only, and every key's signatures of the past can be checked", () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const before = keyring(first);
    const signature = before.sign("text");
    const after = keyring(
      `${inState(first, "retired")} ${inState(second, "active")} ${inState(third, "staged")}`,
    );
    const idOf = (entry: string) => entry.split(":")[0] ?? "";
    expect(Object.keys(after.publicKeys()).toSorted()).toEqual([first, second, third].map(idOf).toSorted());
    expect(isSignedBy(after.publicKeys()[idOf(first)], "text", signature)).toBe(true);
    expect(after.signingKeyId).toBe(idOf(second));
    expect(isSignedBy(after.publicKeys()[idOf(second)], "text", after.sign("text"))).toBe(true);
    expect(isSignedBy(after.publicKeys()[idOf(first)], "text", after.sign("text"))).toBe(false);
  });

  it("shows no secret, and signs with no key that is used for anything else", () => {
    const entry = newKey();
    const shown = JSON.stringify(keyring(entry).publicKeys());
    expect(shown).not.toContain(secretOf(entry));
    // The master secret itself is no seed.
    const der = Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      Buffer.from(secretOf(entry), "base64url"),
    ]);
    const plain = createPublicKey({ key: der, format: "der", type: "pkcs8" } as never);
    expect(shown).not.toContain(plain.export({ format: "jwk" }).x ?? "-");
  });
});
