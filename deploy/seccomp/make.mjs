// node make.mjs SOURCE > ringcast.json: makes the seccomp profile from a container engine's default one.
//
// SOURCE is the file that podman, buildah and CRI-O use: /usr/share/containers/seccomp.json of Debian's
// golang-github-containers-common (the profile here: 0.50.1). Its form has conditions (includes, excludes, archMap) which
// only those engines understand; containerd and runc would ignore them and allow what is meant for privileged containers.
// So they are resolved here, for a process without capabilities on x86-64 or arm64, and what is left is the plain form
// that every runtime reads alike.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// Of the SOURCE that ringcast.json was made from.
export const sourceHash = 'cc374cf23846ce1f62f4dc807a8e2b8673c783c6f56cb475467621035d281e6c';

// What the broker is for: nothing of the default profiles of today allows these.
export const added = ['io_uring_enter', 'io_uring_register', 'io_uring_setup'];

// What podman allows for containers within containers. Docker and containerd refuse it to who has no CAP_SYS_ADMIN.
export const refused = [
  'fsconfig', 'fsmount', 'fsopen', 'fspick', 'mount', 'mount_setattr', 'move_mount', 'open_tree', 'pivot_root', 'setns',
  'sethostname', 'syslog', 'umount', 'umount2', 'unshare', 'add_key', 'keyctl', 'request_key',
];

const architectures = ['amd64', 'arm64'];

// Whether an entry holds for a process without capabilities.
function holds(entry) {
  const { caps = [], arches = [] } = entry.includes ?? {};
  return caps.length === 0 && (arches.length === 0 || arches.some((arch) => architectures.includes(arch)));
}

function plain({ names, action, args, errnoRet }) {
  return {
    names: [...names].sort(),
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args?.length > 0 ? { args } : {}),
  };
}

export function profile(source) {
  const kept = source.syscalls.filter(holds).map((entry) => {
    const allowed = entry.action === 'SCMP_ACT_ALLOW';
    return plain({ ...entry, names: allowed ? entry.names.filter((name) => !refused.includes(name)) : entry.names });
  });
  return {
    defaultAction: source.defaultAction,
    defaultErrnoRet: source.defaultErrnoRet,
    syscalls: [
      { names: added, action: 'SCMP_ACT_ALLOW' },
      { names: [...refused].sort(), action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      ...kept.filter((entry) => entry.names.length > 0),
    ],
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const source = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  process.stdout.write(`${JSON.stringify(profile(source), null, 1)}\n`);
}
