/** What docker and podman write down of their containers: where, and how. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isFullId } from './cgroupNames.ts';

/** Of one engine. */
const MAX_CONTAINERS = 5000;

export interface Container {
  readonly id: string;
  readonly names: readonly string[];
}

export interface Engine {
  /** Relative to the root of the host, and to a user's home. */
  readonly place: string;
  readonly placeOfUser: string;
  /** The file that may name another place. */
  readonly settings: string;
  readonly setting: RegExp;
  /** Relative to the place; one that is not there has nothing to tell. */
  files(place: string): Promise<readonly string[]>;
  parse(text: string): readonly Container[];
}

/** moby/moby, container.Container: its name has a slash before it. */
const dockerContainer = z
  .object({ ID: z.string(), Name: z.string() })
  .transform(({ ID, Name }): Container[] => [{ id: ID, names: [Name.replace(/^\//, '')] }]);

/** containers/storage, Container; a driver has a file of its own, and one for containers that a reboot removes. */
const podmanContainers = z
  .array(z.object({ id: z.string(), names: z.array(z.string()).nullish() }))
  .transform((all) => all.map(({ id, names }): Container => ({ id, names: names ?? [] })));
const PODMAN_FILES = ['overlay', 'vfs', 'btrfs'].flatMap((driver) =>
  ['containers.json', 'volatile-containers.json'].map((file) => `${driver}-containers/${file}`),
);

export const parseDockerContainer = (text: string): readonly Container[] => parsed(dockerContainer, text);
export const parsePodmanContainers = (text: string): readonly Container[] => parsed(podmanContainers, text);

function parsed(schema: z.ZodType<Container[]>, text: string): readonly Container[] {
  try {
    const containers = schema.parse(JSON.parse(text));
    return containers.filter(({ id }) => isFullId(id)).slice(0, MAX_CONTAINERS);
  } catch {
    return [];
  }
}

export const ENGINES: readonly Engine[] = [
  {
    place: 'var/lib/docker',
    placeOfUser: '.local/share/docker',
    settings: 'etc/docker/daemon.json',
    setting: /"(?:data-root|graph)"\s*:\s*"(?<place>\/[^"]+)"/,
    files: listDockerFiles,
    parse: parseDockerContainer,
  },
  {
    place: 'var/lib/containers/storage',
    placeOfUser: '.local/share/containers/storage',
    settings: 'etc/containers/storage.conf',
    setting: /^\s*graphroot\s*=\s*["'](?<place>\/[^"']+)["']/m,
    files: async () => PODMAN_FILES,
    parse: parsePodmanContainers,
  },
];

async function listDockerFiles(place: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const { name } of await opendir(join(place, 'containers'))) {
    if (isFullId(name)) files.push(`containers/${name}/config.v2.json`);
    if (files.length === MAX_CONTAINERS) break;
  }
  return files;
}
