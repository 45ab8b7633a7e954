/**
 * Which workload a cgroup is, by its path, and where a workload's cgroup usually is: what systemd and the engines of
 * containers call them. Names are taken at their word only where nobody but the system can make a cgroup: neither inside of
 * a container, nor of a service or scope; inside of a user's manager, which systemd gives to the user, they are the user's.
 */
import { escapeUnitName, unescapeUnitName, userSlice } from './unitPaths.ts';

/** A name that workloads are found by: `unit asterisk.service`, `container acme`, `container 1001/acme` of the user 1001. */
export type Key = `unit ${string}` | `container ${string}`;

export const unitKey = (unit: string): Key => `unit ${unit}`;

/** Of a container's name or id, of which the first twelve digits count, as engines show it; `uid`: whose it is, null for root. */
export const containerKey = (uid: string | null, nameOrId: string): Key =>
  `container ${uid === null ? '' : `${uid}/`}${isId(nameOrId) ? nameOrId.slice(0, SHORT_ID) : nameOrId}`;

const SHORT_ID = 12;
export const isId = (text: string): boolean => /^[0-9a-f]{12,64}$/.test(text);
export const isFullId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** By docker, podman, containerd and CRI-O: with systemd as a scope, else a directory; podman's `--cgroups=split` inside of a service. */
const OF_ENGINE = /^(?:(?:docker|libpod|libpod-payload|cri-containerd|crio|nerdctl)-)?(?<id>[0-9a-f]{64})(?:\.scope)?$/;
/** LXC and incus; old ones have `lxc/NAME`. */
const OF_LXC = /^lxc\.payload\.(?<name>.+)$|^lxc\/(?<old>[^/]+)$/;
/** systemd-machined: nspawn's, and libvirt's, which have its number before their name. */
const OF_MACHINE = /^machine\.slice\/(?:machine-(?<name>.+)\.scope|systemd-nspawn@(?<nspawn>.+)\.service)$/;
const OF_LIBVIRT = /^(?:qemu|lxc)-\d+-(?<name>.+)$/;
const OF_USER = /^user\.slice\/user-(?<uid>\d+)\.slice\/user@\k<uid>\.service\//;

/** The uid of the user who can make cgroups beside it; null: nobody but the system can. */
export const ownerOf = (path: string): string | null => OF_USER.exec(path)?.groups?.['uid'] ?? null;

/** What the cgroup is called; empty: by no name that anything is looked for by. */
export function keysOf(path: string): readonly Key[] {
  const uid = ownerOf(path);
  const containers = containerNames(path).map((name) => containerKey(uid, name));
  return uid === null && isUnit(path) ? [unitKey(nameOf(path)), ...containers] : containers;
}

/** Of the system's manager: in nothing but slices, which have no processes that could make cgroups. */
const isUnit = (path: string): boolean => /^(?:[^/]+\.slice\/)*[^/]+\.(?:service|scope)$/.test(path);

function containerNames(path: string): readonly string[] {
  const id = OF_ENGINE.exec(nameOf(path))?.groups?.['id'];
  if (id !== undefined) return [id];
  const lxc = OF_LXC.exec(path.startsWith('lxc/') ? path : nameOf(path))?.groups;
  const machine = OF_MACHINE.exec(path)?.groups;
  const names = [lxc?.['name'] ?? lxc?.['old'], machine?.['name'] ?? machine?.['nspawn']];
  return names.flatMap((name) => (name === undefined ? [] : withPlain(unescapeUnitName(name))));
}

function withPlain(name: string): readonly string[] {
  const plain = OF_LIBVIRT.exec(name)?.groups?.['name'];
  return plain === undefined ? [name] : [name, plain];
}

/** Whether cgroups below are looked at: right in a service they are, for podman's sake, deeper in it they are not. */
export function isEntered(path: string): boolean {
  const isOwn = nameOf(path).endsWith('.scope') || containerNames(path).length > 0;
  return !isOwn && !isInService(path);
}

function isInService(path: string): boolean {
  const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
  return parent.endsWith('.service') && OF_USER.exec(path)?.[0] !== `${parent}/`;
}

/** Of a container that is known by its whole id. */
export const pathsOfId = (uid: string | null, id: string): readonly string[] =>
  uid === null
    ? [
        `system.slice/docker-${id}.scope`,
        `docker/${id}`,
        `machine.slice/libpod-${id}.scope`,
        `libpod_parent/libpod-${id}`,
      ]
    : ['docker', 'libpod'].map((engine) => `${userSlice(uid)}/user@${uid}.service/user.slice/${engine}-${id}.scope`);

/** Of a container whose cgroup has its name. */
export const pathsOfName = (name: string): readonly string[] => [
  `lxc.payload.${name}`,
  `lxc/${name}`,
  `machine.slice/machine-${escapeUnitName(name)}.scope`,
  `machine.slice/systemd-nspawn@${name}.service`,
];

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
