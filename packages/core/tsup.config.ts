import { packageConfig } from "../../tsup.shared.ts";

export default packageConfig([
  "src/index.ts",
  "src/contract.ts",
  "src/storage.ts",
  "src/evidence.ts",
  "src/opentelemetry.ts",
]);
