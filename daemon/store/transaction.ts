/** A transaction: all of it, or nothing. */
import type { DatabaseSync } from 'node:sqlite';

/** What `work` does is done whole, or not at all where it throws. */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
