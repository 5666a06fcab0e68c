export { createTestHeed } from "./create-test-heed.ts";
export type { TestHeed, TestHeedOptions } from "./create-test-heed.ts";
export { describeHistories } from "./describe-histories.ts";
export type { StorageOfHistories } from "./describe-histories.ts";
export { describeProcessor } from "./describe-processor.ts";
export type { ProcessorUnderTest } from "./describe-processor.ts";
export type { CaseName } from "./describe-processor/cases.ts";
export type { CannotShow } from "./describe-processor/plan-cases.ts";
export type { Asked, Between, Setup, VendorReply, VendorRequest, World } from "./describe-processor/world.ts";
export { describeRecovery } from "./describe-recovery.ts";
export type { RecoveringStorage } from "./describe-recovery.ts";
export { describeStorage } from "./describe-storage.ts";
export type { StorageUnderTest } from "./describe-storage.ts";
export { faulty } from "./faulty-storage.ts";
export type { CommitFault, FaultyStorage } from "./faulty-storage.ts";
export type { OpenTransaction } from "./describe-storage/storage-case.ts";
export { scriptedVendor } from "./scripted-vendor.ts";
export type {
  Fault,
  FaultKind,
  Moment,
  ScriptedVendor,
  ScriptedVendorOptions,
  VendorCall,
  VendorRecord,
} from "./scripted-vendor.ts";
export { virtualClock } from "./virtual-clock.ts";
export type { VirtualClock, VirtualClockOptions } from "./virtual-clock.ts";
