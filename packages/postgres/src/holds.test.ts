import { describeHolds } from "@heed/testing/private";
import { storageAt } from "../test/place.ts";

describeHolds({ name: "postgres", create: storageAt, runs: 10 });
