import { describeRotation } from "@heed/testing/private";
import { storageAt } from "../test/place.ts";

describeRotation({
  name: "postgres",
  open: (place) => storageAt(place),
});
