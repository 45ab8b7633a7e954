/** A setting that names a file of prefixes, and is what stands in it. */
import { readFileSync } from 'node:fs';
import { parseBogons } from '../detectors/shared/bogons.ts';
import { messageOf } from '../messageOf.ts';
import { filePath } from './units.ts';

/** As many as lists of unallocated IPv6 space have, and more. */
const MAX_BYTES = 2 ** 24;

export const bogonFile = () =>
  filePath('/etc/weir/bogons.txt').transform((path, context): readonly string[] => {
    const problem = (message: string): never[] => {
      context.addIssue({ code: 'custom', message });
      return [];
    };
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      return problem(`cannot be read: ${messageOf(error)}`);
    }
    if (text.length > MAX_BYTES) return problem('is longer than 16 MiB');
    const { prefixes, wrong } = parseBogons(text);
    const [first] = wrong;
    return first === undefined ? prefixes : problem(`has "${first.slice(0, 60)}", which is no prefix`);
  });
