/** The one error of the configuration: every problem of a file at once, each where it stands. */

export interface Problem {
  /** 1 for the first; null: the file as a whole. */
  readonly position: { readonly line: number; readonly column: number } | null;
  /** In the user's own keys: `tenants.acme.plan.limit`; empty: the file as a whole. */
  readonly path: string;
  readonly why: string;
}

/** Its message has one line for each problem: `file:line:column path: why`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map((problem) => `${file}${formatProblem(problem)}`).join('\n'));
    this.problems = problems;
  }
}

const MAX_LINE = 500;

/** What stands in the file may stand in the message: without control characters, and not without end. */
function formatProblem({ position, path, why }: Problem): string {
  const where = position === null ? '' : `:${position.line}:${position.column}`;
  const line = path === '' ? `${where}: ${why}` : `${where} ${path}: ${why}`;
  const shown = line.replaceAll(/\p{Cc}/gu, '\u{fffd}');
  return shown.length <= MAX_LINE ? shown : `${shown.slice(0, MAX_LINE)}…`;
}
