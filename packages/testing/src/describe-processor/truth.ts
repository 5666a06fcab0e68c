import { inspect } from "node:util";
import { type Call, isHeedError, type OperationName } from "@heed/core/contract";
import { expect } from "vitest";
import { callsFor, canReadBack, carryOut, isDone, type Carried, type Story } from "./carry-out.ts";
import { lend } from "./lend.ts";
import type { Scene, Stage } from "./processor-case.ts";
import { onlyAt } from "./rules.ts";
import type { Rule } from "./wire.ts";

/** The person whom most cases are about. No text of anything that is told may hold the second word. */
export const anna = "anna.canary@example.org";
export const canary = "canary";

/** A scene with the person in it, and the call for that person. */
export async function sceneWith(stage: Stage, ...emails: readonly string[]) {
  const scene = await stage.open();
  for (const email of emails) await scene.world.add(email, stage.operation);
  return { scene, calls: callsFor(scene, emails) };
}

/** The name of an error of heed's; of anything else, all of it. */
export function nameOf(error: unknown): string {
  return isHeedError(error) ? error.name : inspect(error, { depth: 2 });
}

/**
 * Nothing personal in an error, or in anything else that is told, however it is printed.
 * @param identifiers what a person is named by besides
 */
export function expectNobodyNamed(told: unknown, identifiers: readonly string[] = []): void {
  const names = new RegExp(`${canary}|bystander`, "i");
  for (const printed of [
    inspect(told, { depth: 12, showHidden: true, maxStringLength: null }),
    JSON.stringify(told) ?? "",
  ]) {
    expect(printed).not.toMatch(names);
    for (const identifier of identifiers) expect(printed).not.toContain(identifier);
  }
}

/** Why `isDone` may say no. */
const notDone = (operation: OperationName): string =>
  `isDone says no after "${operation}": either the vendor's state is not as asked, or the world's isDone does not look at what was asked`;

/** The world is as the call asks. */
export async function expectDone(scene: Scene, email: string, call: Call): Promise<void> {
  expect(await isDone(scene, email, call), notDone(call.operation)).toBe(true);
}

/** Whether it says that all is well. What can be read back is well when that says so, and not before. */
export function claimsSuccess(scene: Scene, { outcome, finding }: Story): boolean {
  if (canReadBack(scene)) return finding?.seen === "as-asked";
  return outcome?.status === "done" || outcome?.status === "absent";
}

/**
 * Whatever was said of these people is true of the world: nobody is absent who is there, and all is as asked
 * where that is said.
 * @param people in the order of the stories; undefined for somebody who was never there
 */
export async function expectTruth(
  scene: Scene,
  people: readonly (string | undefined)[],
  { stories }: Carried,
): Promise<void> {
  for (const [index, story] of stories.entries()) {
    const email = people[index];
    if (email === undefined) continue;
    if (scene.operation === "export") {
      expectWhole(scene, email, story);
      continue;
    }
    if (scene.operation === "observe") {
      expectSeen(email, story);
      continue;
    }
    const done = await isDone(scene, email, story.call);
    const said = { outcome: story.outcome?.status, finding: story.finding?.seen };
    if (story.outcome?.status === "absent" || claimsSuccess(scene, story))
      expect([said, done], notDone(scene.operation)).toEqual([said, true]);
  }
}

/** Whoever is there was seen there, and their choices are told as theirs. */
export function expectSeen(email: string, { outcome }: Story): void {
  expect(outcome?.status).not.toBe("absent");
  if (outcome?.status !== "done" || !("addresses" in outcome)) return;
  expect(outcome.addresses.map(({ value }) => value.toLowerCase())).toContain(email.toLowerCase());
}

/** An export that ended well holds everything. */
function expectWhole({ world }: Scene, email: string, { outcome, records }: Story): void {
  expect(outcome?.status).not.toBe("absent");
  if (outcome?.status !== "done") return;
  const told = JSON.stringify(records);
  for (const fact of world.facts?.(email) ?? []) expect(told).toContain(fact);
}

/**
 * Carries the operation out once for each of its requests, in a world of its own, and lets the rule strike that
 * one request.
 */
export async function atEachRequest(
  stage: Stage,
  rule: Rule,
  then: (scene: Scene, carried: Carried) => Promise<void>,
): Promise<void> {
  const { scene: straight, calls } = await sceneWith(stage, anna);
  await carryOut(straight, calls);
  for (let at = 0; at < straight.wire.requests.length; at += 1) {
    const { scene, calls } = await sceneWith(stage, anna);
    scene.wire.meet(onlyAt(at, rule));
    await then(scene, await carryOut(scene, calls, lend(scene)));
  }
}
