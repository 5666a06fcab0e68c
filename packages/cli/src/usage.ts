/** What `heed --help` prints. */
export const usage = `heed carries people's privacy choices out, and proves it.

Usage: heed <command>

Work
  work                  carry steps out until SIGTERM or Ctrl-C
    --once                until nothing is due; ends with 1 if a step went to a human
  status                what is open, due and parked, and what stands in its way
    --json                the same for programs
  todo                  what waits for a human, and what is past its deadline
    --json                the same for programs
  retry <step>          try again what failed or went to a human
    --all                 all of it
  acknowledge <step>    say that it was done by hand
  doctor                look at storage, keys and every processor's account

Proof
  receipt <request>     print the signed receipt of a closed request
    --out <file>          into a new file
  evidence <to>         write the whole log to a new file, for an auditor
  verify                check the whole log in the storage
    --published <file>    against a checkpoint that was kept elsewhere; may be repeated
  verify <file>         check a receipt or a log offline, without configuration or keyring
    --keys <file>         with these public keys
  verify --public-keys  print the public keys of the keyring in HEED_KEYS

Storage
  backup <to>           copy the database to a new file, while everything goes on
    --keys-to <file>      and its data keys, where they have a file of their own
  restore               give a restored back-up what its journal has and it has not
    --dry-run             only say what that is
    --accept-loss         where the journal is lost too: go on without it
  migrate               bring the storage's tables forward, as a step of a deployment

Keys
  keys                  print a fresh keyring, for the environment variable HEED_KEYS
  keys --rotate         print the keyring in HEED_KEYS with a new key, staged
  keys --activate       print the keyring in HEED_KEYS with the staged key active
    --env                 any of these three as a line for an env file, HEED_KEYS=…
  keys --finish         write anew under the active key what lies in storage under others
  keys --status         which keys the storage still needs, and for what

  --config <file>       the module that exports heed; default heed.config.{ts,mts,js,mjs}
  --help, --version     print this, or the version
`;
