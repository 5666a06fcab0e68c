// What the tests of several storages share, and nobody else needs: it is not published.
export { startChild } from "./storages/child.ts";
export type { Child } from "./storages/child.ts";
export { crashHeed } from "./storages/crash-heed.ts";
export { describeBacklog } from "./storages/describe-backlog.ts";
export { describeBreaker } from "./storages/describe-breaker.ts";
export { describeHolds } from "./storages/describe-holds.ts";
export { describeRestoring } from "./storages/describe-restoring.ts";
export {
  aboutPerson,
  describeRotation,
  rotatingHeed,
  subscribePeople,
} from "./storages/describe-rotation.ts";
export { journaledCompanyAt, journaledEvidence } from "./storages/journaled.ts";
export { describeWebhooks } from "./storages/describe-webhooks.ts";
export { crashVendor } from "./storages/crash-vendor.ts";
export { loseNoStep } from "./storages/engine-crash.ts";
export { canMount, onSmallDisk } from "./storages/small-disk.ts";
export { sameAsMemory } from "./storages/same-as-memory.ts";
export { dataKey, read, subject, write } from "./storages/transactions.ts";
export { journalStandingStill, standingStill } from "./standing-still.ts";
