/** Where systemd puts a unit's cgroup (systemd.slice(5), systemd.unit(5)): the usual places; a unit may name another slice. */

const SYSTEM_SLICE = 'system.slice';
/** Where scopes are that machines, sessions and containers run in. */
const SCOPE_SLICES = [SYSTEM_SLICE, 'machine.slice', 'user.slice'];
/** Templates that come with systemd and name a slice of their own. */
const USER_MANAGER = /^user@(?<uid>\d+)\.service$/;
const NSPAWN = 'systemd-nspawn@';

export function unitPaths(unit: string): readonly string[] {
  if (unit.endsWith('.slice')) return slicePath(unit);
  const slices = unit.endsWith('.scope') ? SCOPE_SLICES : serviceSlices(unit);
  return [...slices.map((slice) => `${slice}/${unit}`), unit];
}

/** `a-b.slice` lies in `a.slice`; none for the root slice `-.slice`, which is everybody's, and for what is no slice's name. */
function slicePath(unit: string): readonly string[] {
  const parts = unit.slice(0, -'.slice'.length).split('-');
  return parts.includes('') ? [] : [parts.map((_, i) => `${parts.slice(0, i + 1).join('-')}.slice`).join('/')];
}

/** `asterisk@acme.service` lies in `system-asterisk.slice`, the slice of its template. */
function serviceSlices(unit: string): readonly string[] {
  const uid = USER_MANAGER.exec(unit)?.groups?.['uid'];
  if (uid !== undefined) return [userSlice(uid)];
  if (unit.startsWith(NSPAWN)) return ['machine.slice'];
  const at = unit.indexOf('@');
  return at <= 0 ? [SYSTEM_SLICE] : [`${SYSTEM_SLICE}/system-${escapeUnitName(unit.slice(0, at))}.slice`, SYSTEM_SLICE];
}

/** All of a user's sessions. */
export const userSlice = (uid: string): string => `user.slice/user-${uid}.slice`;

/** As systemd-escape(1): all but ASCII letters, digits, `:`, `_` and a `.` that is not the first becomes \xNN. */
export const escapeUnitName = (name: string): string =>
  name.replaceAll(/[^a-z0-9:_.]|^\./gi, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

export const unescapeUnitName = (name: string): string =>
  name.replaceAll(/\\x([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
