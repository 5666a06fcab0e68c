import { memory } from "@heed/core";
import { describeStorage } from "./describe-storage.ts";

describeStorage({ name: "memory", create: () => memory() });
