import { describeBreaker } from "@heed/testing/private";
import { storageAt } from "../test/place.ts";

describeBreaker({ name: "postgres", create: (place) => storageAt(place) });
