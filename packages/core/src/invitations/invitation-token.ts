import type { Keyring } from "../keys/keyring.ts";
import { isHeedError } from "../errors/heed-error.ts";

/**
 * What is put to a person by a link: whether a subscription or consent was really theirs, whether they agree under a
 * new notice, whether a request was really theirs.
 */
export type InvitationKind = "opt-in" | "renewal" | "identity";

const invitationKinds = ["opt-in", "renewal", "identity"] as const satisfies readonly InvitationKind[];

/** What a token says by itself. Names nobody. */
export interface InvitationToken {
  readonly kind: InvitationKind;
  /** 128 bits, as 32 hexadecimal digits: of the invitation, or for `identity` of the request. */
  readonly id: string;
  /** RFC 3339. It lies in the token, so that an old link is known as such when nothing else is left of it. */
  readonly expiresAt: string;
}

const idBytes = 16;
const instantBytes = 6;

/** Each kind has a MAC of its own, so that no token is valid in another's place. */
const purposeOf = (kind: InvitationKind): string => `invitation/${kind}`;

/** At most 51 characters, nothing personal. */
export function writeToken(keys: Keyring, { kind, id, expiresAt }: InvitationToken): string {
  const payload = Buffer.alloc(idBytes + instantBytes);
  payload.write(id, "hex");
  payload.writeUIntBE(Date.parse(expiresAt), idBytes, instantBytes);
  return keys.token(purposeOf(kind), payload);
}

/** @returns undefined when it is not authentic */
export function readToken(keys: Keyring, token: string): InvitationToken | undefined {
  for (const kind of invitationKinds) {
    try {
      const payload = Buffer.from(keys.openToken(purposeOf(kind), token, idBytes + instantBytes));
      return {
        kind,
        id: payload.toString("hex", 0, idBytes),
        expiresAt: new Date(payload.readUIntBE(idBytes, instantBytes)).toISOString(),
      };
    } catch (error) {
      if (!isHeedError(error) || error.code !== "tampered-token") throw error;
    }
  }
  return undefined;
}
