import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { mountFacts, networkFileSystem } from "./network-file-system.ts";

/** Lines as Linux prints them in /proc/self/mountinfo. */
const mounts = `
25 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw
98 25 0:52 / /mnt/far rw,nosuid,nodev,relatime shared:54 - fuse.sshfs me@far:/ rw,user_id=1000,group_id=1000
99 25 0:53 / /mnt/disk\\040two rw,relatime shared:55 - fuseblk /dev/sdb1 rw,user_id=0,group_id=0
100 25 0:300 / /mnt/bucket rw,relatime - fuse.s3fs s3fs rw,user_id=0,group_id=0
`;

const fuse = 0x65735546;

describe("networkFileSystem", () => {
  it("knows the network file systems of Linux by their type", () => {
    const types = [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997];
    expect(types.map((type) => networkFileSystem({ type, device: 0, mounts: "" }))).toEqual([
      "nfs",
      "smb",
      "cifs",
      "smb2",
      "9p",
    ]);
  });

  it("knows them on a 32-bit machine, which prints the type as a negative number", () => {
    expect(networkFileSystem({ type: 0xff534d42 | 0, device: 0, mounts: "" })).toBe("cifs");
  });

  it("finds those that come by FUSE in the mount table", () => {
    expect(networkFileSystem({ type: fuse, device: 52, mounts })).toBe("fuse.sshfs");
    // Minor number 300 of major 0: its higher bits lie above the major number.
    expect(networkFileSystem({ type: fuse, device: (300 & 0xff) | ((300 & ~0xff) << 12), mounts })).toBe(
      "fuse.s3fs",
    );
  });

  it("lets a local disk by FUSE pass, and one that the table does not tell", () => {
    expect(networkFileSystem({ type: fuse, device: 53, mounts })).toBeUndefined();
    expect(networkFileSystem({ type: fuse, device: 54, mounts })).toBeUndefined();
  });

  it("lets local file systems pass: ext4, xfs, btrfs, tmpfs, overlay", () => {
    for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630]) {
      expect(networkFileSystem({ type, device: 0, mounts })).toBeUndefined();
    }
  });

  it("lets pass what it cannot find out", () => {
    expect(networkFileSystem(undefined)).toBeUndefined();
    expect(mountFacts("/there/is/no/such/directory")).toBeUndefined();
  });
});

describe.runIf(process.platform === "linux")("mountFacts", () => {
  it("reads them of a real directory, and finds its device in the mount table", () => {
    const facts = mountFacts(tmpdir());
    expect(facts?.type).toBeGreaterThan(0);
    expect(facts?.mounts).toMatch(/ - \S+ /);
    expect(networkFileSystem(facts)).toBeUndefined();
  });
});
