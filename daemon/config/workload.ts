/** How a tenant's workload is named in the configuration, as a zod type: by a cgroup, a systemd unit, a container or a user. */
import { z } from 'zod';
import type { Workload } from '../../probes/sample.ts';
import { textField } from './units.ts';

export const WORKLOAD_KINDS = ['cgroup', 'unit', 'container', 'user'] as const;
/** A path of the kernel has 4095 bytes at most, with what stands before this one. */
const MAX_PATH_LENGTH = 1024;

/** Below the mount of the cgroups, without a slash at either end. */
const cgroup = () =>
  textField('a path below the cgroup mount such as machine.slice/acme.scope', (text) => {
    const path = text.replace(/^\/|\/$/g, '');
    const isPlain = path.split('/').every((name) => /^[\x21-\x7e]+$/.test(name) && name !== '.' && name !== '..');
    return isPlain && path.length <= MAX_PATH_LENGTH ? path : null;
  });

/** systemd.unit(5): names of these characters, at most 255 long. */
const unit = () =>
  textField('a systemd unit such as asterisk@acme.service, a .service, .scope or .slice', (text) =>
    text.length <= 255 && /^[\w:.\\@-]+\.(?:service|scope|slice)$/.test(text) ? text : null,
  );

/** A name that may be a number: Proxmox has such containers. */
const nameField = (what: string, parse: (text: string) => string | null) =>
  z.preprocess((value) => (Number.isSafeInteger(value) ? String(value) : value), textField(what, parse));

/** useradd(8), or a uid. */
const USER = /^(?:[a-z_][a-z0-9_.-]{0,30}\$?|\d{1,10})$/i;
/** As docker and podman take names and ids; LXC's are among them. */
const CONTAINER = /^[a-z0-9][\w.-]{0,127}$/i;

/** A user's own engine has names of its own. */
const container = () =>
  nameField('the name or id of a container such as acme-pbx, or alice/acme-pbx', (text) => {
    const [nameOrId = '', owner, ...others] = text.split('/').toReversed();
    const isNamed = CONTAINER.test(nameOrId) && (owner === undefined || USER.test(owner)) && others.length === 0;
    return isNamed ? text : null;
  });

const user = () => nameField('the name of a user, or a uid', (text) => (USER.test(text) ? text : null));

/** Refuses all but exactly one of its keys. */
export const workloadSection = z
  .strictObject({
    cgroup: cgroup().optional(),
    unit: unit().optional(),
    container: container().optional(),
    user: user().optional(),
  })
  .transform(({ cgroup: path, unit: unitName, container: nameOrId, user: nameOrUid }, context): Workload => {
    const named: Workload[] = [
      path === undefined ? [] : [{ cgroup: path }],
      unitName === undefined ? [] : [{ unit: unitName }],
      nameOrId === undefined ? [] : [{ container: nameOrId }],
      nameOrUid === undefined ? [] : [{ user: nameOrUid }],
    ].flat();
    const [only, ...others] = named;
    if (only !== undefined && others.length === 0) return only;
    context.addIssue({ code: 'custom', message: 'must have exactly one of cgroup, unit, container and user' });
    return z.NEVER;
  });

/** `cgroup machine.slice/acme.scope`. */
export const workloadName = (workload: Workload): string => Object.entries(workload).flat().join(' ');
