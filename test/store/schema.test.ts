import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { migrate, SCHEMA_VERSION, schemaVersion } from '../../daemon/store/schema.ts';

const STEPS = ['CREATE TABLE a (x)', 'ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)', 'CREATE TABLE b (z)'];

describe('migrate()', () => {
  let database: DatabaseSync;
  beforeEach(() => {
    database = new DatabaseSync(':memory:');
  });
  afterEach(() => database.close());

  it('makes the tables of this version', () => {
    migrate(database);
    migrate(database);
    assert.equal(schemaVersion(database), SCHEMA_VERSION);
    assert.ok(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'incidents'").get());
  });

  it('takes the steps that are missing, each once', () => {
    migrate(database, STEPS.slice(0, 1));
    database.exec('INSERT INTO a VALUES (0)');
    migrate(database, STEPS);
    migrate(database, STEPS);
    assert.equal(schemaVersion(database), 3);
    assert.deepEqual(
      database
        .prepare('SELECT * FROM a')
        .all()
        .map((row) => Object.values(row)),
      [
        [0, null],
        [1, 2],
      ],
    );
  });

  it('takes a step that fails back, and keeps those before it', () => {
    const broken = [...STEPS.slice(0, 2), 'CREATE TABLE c (x); INSERT INTO nowhere VALUES (1)'];
    assert.throws(() => migrate(database, broken), /no such table: nowhere/);
    assert.equal(schemaVersion(database), 2);
    assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'c'").get(), undefined);
    migrate(database, STEPS);
    assert.equal(schemaVersion(database), 3);
  });
});
