/** A process that sets limits (its second argument, JSON) in a network namespace (its first), says so, and stays. */
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';

const [, , netns = '', limits = '[]'] = process.argv;
await new Limiter(new Tc({ netns })).start(JSON.parse(limits));
process.stdout.write('limits stand\n');
setInterval(() => {}, 60_000);
