/** The users of the host, as /etc/passwd has them (passwd(5)); those of a directory service are not there, and are named by uid. */

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly home: string;
}

/** By name and by uid; of two lines the first counts. */
export function parseUsers(passwd: string): ReadonlyMap<string, User> {
  const users = passwd.split('\n').flatMap(parseLine);
  return new Map(
    users.toReversed().flatMap(
      (user) =>
        [
          [user.uid, user],
          [user.name, user],
        ] as const,
    ),
  );
}

function parseLine(line: string): User[] {
  const [name = '', , uid = '', , , home = ''] = line.split(':');
  return name !== '' && /^\d{1,10}$/.test(uid) ? [{ name, uid, home }] : [];
}
