import { memory } from "@heed/core";
import { describeRecovery } from "./describe-recovery.ts";

describeRecovery({ name: "memory", create: () => memory() });
