import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { keyring, newKey } from "@heed/core";
import { median, timed, type Figure } from "./figure.ts";

const rounds = 21;
const each = 20_000;
/** As an unsubscribe token has: a reference and the code of a topic. */
const payloadBytes = 20;

/** Unsubscribe tokens verified a second, beside bare HMACs over the same octets, in turn. */
export async function tokenRate(): Promise<readonly Figure[]> {
  const keys = keyring(newKey());
  const payload = randomBytes(payloadBytes);
  const token = keys.token("unsubscribe", payload);
  const key = createSecretKey(randomBytes(32));
  const bare: number[] = [];
  const verified: number[] = [];
  for (let round = -5; round < rounds; round += 1) {
    const bareMs = await timed(() => {
      for (let count = 0; count < each; count += 1) createHmac("sha256", key).update(payload).digest();
    });
    const verifiedMs = await timed(() => {
      for (let count = 0; count < each; count += 1) keys.openToken("unsubscribe", token, payloadBytes);
    });
    if (round < 0) continue;
    bare.push(bareMs);
    verified.push(verifiedMs);
  }
  const rate = (times: readonly number[]) => (each * 1000) / median(times);
  return [
    {
      name: "mailer.token",
      value: rate(verified) / rate(bare),
      goal: 0.5,
      better: "higher",
      of: `${Math.round(rate(verified))}/s over ${Math.round(rate(bare))} HMACs/s`,
    },
  ];
}
