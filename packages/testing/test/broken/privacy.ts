import type { privacy } from "../../src/describe-processor/cases/privacy.ts";
import { type BrokenFor, emailOf } from "./broken.ts";

export const privacyBroken: BrokenFor<typeof privacy> = {
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes": [
    {
      that: "logs the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          console.info(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "warns of the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          process.emitWarning(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "quotes the vendor in the cause of its error",
      in: "erase",
      slip: ({ send, failure }) => {
        let said = "";
        return {
          async send(request, context) {
            const response = await send(request, context);
            said = await response.clone().text();
            return response;
          },
          failure: (response, code, operation) =>
            Object.assign(failure(response, code, operation), { cause: new Error(said) }),
        };
      },
    },
  ],
  "leaves nobody's name in evidence, traces, metrics or rows of heed's own": [
    {
      that: "throws the address at the engine",
      in: "unsubscribe",
      slip: () => ({
        async run(call) {
          throw new TypeError(`Cannot unsubscribe ${emailOf(call)}.`);
        },
      }),
    },
  ],
};
