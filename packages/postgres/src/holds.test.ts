import { describeHolds } from "@heed/testing/private";
import { emptiedStorage } from "../test/place.ts";

describeHolds({ name: "postgres", create: emptiedStorage(), runs: 10 });
