import { readFileSync, statfsSync, statSync } from "node:fs";

/** `statfs` types, from `linux/magic.h` and statfs(2). */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x00c36400, "ceph"],
  [0x5346414f, "afs"],
  [0x6b414653, "kafs"],
  [0x73757245, "coda"],
  [0x0bd00bd0, "lustre"],
  [0x01021997, "9p"],
]);

const fuseType = 0x65735546;

/** FUSE has one type for all; the mount table tells which of them reach over a network. */
const remoteFuse =
  /^fuse\.(?:sshfs|s3fs|rclone|glusterfs|gcsfuse|ceph-fuse|goofys|juicefs|mount-?point-s3|curlftpfs|smbnetfs|blobfuse2?)$/;

/** What Linux says about the place of a file. */
export interface MountFacts {
  /** `f_type` of statfs(2). */
  readonly type: number;
  /** `st_dev` of stat(2). */
  readonly device: number;
  /** `/proc/self/mountinfo`, proc(5). */
  readonly mounts: string;
}

/** Reads the facts; nothing where they cannot be had. */
export function mountFacts(path: string): MountFacts | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return {
      type: statfsSync(path).type,
      device: statSync(path).dev,
      mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    };
  } catch {
    return undefined;
  }
}

function fileSystemOf(device: number, mounts: string): string | undefined {
  // makedev(3) of glibc, for the devices that a mount table shows.
  const number = `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
  const line = mounts.split("\n").find((mount) => mount.split(" ")[2] === number);
  return line?.split(" - ")[1]?.split(" ")[0];
}

/**
 * The network file system that a path lies on, by name; `undefined` when it is local, or not known.
 * SQLite's write-ahead log needs memory shared by all its processes, which a network file system has not:
 * https://sqlite.org/wal.html.
 */
export function networkFileSystem(facts: MountFacts | undefined): string | undefined {
  if (facts === undefined) return undefined;
  // f_type is signed on 32-bit machines.
  const type = facts.type >>> 0;
  if (type !== fuseType) return networkTypes.get(type);
  const name = fileSystemOf(facts.device, facts.mounts);
  return name !== undefined && remoteFuse.test(name) ? name : undefined;
}
