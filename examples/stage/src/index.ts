export { openCorrespondence } from "./correspondence.ts";
export type { Letter } from "./correspondence.ts";
export { openStage } from "./stage.ts";
export type { Place, Stage } from "./stage.ts";
export { skippingClock } from "./skipping-clock.ts";
export type { SkippingClock } from "./skipping-clock.ts";
