import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseUsers } from '../../../probes/host/users.ts';

const alice = { name: 'alice', uid: '1001', home: '/home/alice' };

describe('parseUsers', () => {
  it('finds a user by name and by uid', () => {
    const users = parseUsers('root:x:0:0:root:/root:/bin/sh\nalice:x:1001:1001:Alice:/home/alice:/bin/sh\n');
    assert.deepEqual([users.get('alice'), users.get('1001'), users.get('bob')], [alice, alice, undefined]);
  });

  it('leaves out what is no line of passwd(5), and has the first of two', () => {
    const lines = ['', ':x:7', 'x', 'neg:x:-1:1::/:', '+nis', 'alice:x:1001:1::/home/alice:', 'alice:x:1002:1::/tmp:'];
    const users = parseUsers(lines.join('\n'));
    assert.deepEqual([...users.keys()].toSorted(), ['1001', '1002', 'alice']);
    assert.deepEqual(users.get('alice'), alice);
  });

  it("reads this machine's", () => {
    assert.equal(parseUsers(readFileSync('/etc/passwd', 'utf8')).get('0')?.name, 'root');
  });
});
