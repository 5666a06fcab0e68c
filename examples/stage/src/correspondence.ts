import { generateKeyPairSync } from "node:crypto";
import { createTransport } from "nodemailer";

/** A mail that somebody writes to the company. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** False: it comes from somewhere else than its `From` says, as anybody's forgery does. Default: true. */
  readonly signed?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly messageId?: string;
}

/** The mail providers of everybody who writes: one key signs for all of them, and their domains publish it. */
export interface Correspondence {
  /** Answers as the DNS of their domains does. */
  readonly resolver: (name: string, type: string) => Promise<string[][]>;
  /** Hands a letter over to the company's mail server. @returns what that server said */
  write(letter: Letter, server: { readonly port: number }): Promise<string>;
}

export function openCorrespondence(): Correspondence {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: "spki", format: "der" }).toString("base64")}`;
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return {
    async resolver(name, type) {
      if (type === "TXT" && name.startsWith("mail._domainkey.")) return [[record]];
      if (type === "TXT" && name.startsWith("_dmarc.")) return [["v=DMARC1; p=reject"]];
      throw Object.assign(new Error("no such record"), { code: "ENOTFOUND" });
    },
    async write({ signed = true, ...letter }, { port }) {
      const [, domain = ""] = letter.from.split("@");
      const transport = createTransport({ host: "127.0.0.1", port, ignoreTLS: true });
      const dkim = { domainName: domain, keySelector: "mail", privateKey: pem };
      const { response } = await transport.sendMail({ ...letter, ...(signed && { dkim }) });
      return response;
    },
  };
}
