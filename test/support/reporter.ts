/** The spec reporter, closing with one plain line for whoever reads the log: `N passed, N failed`, `, N skipped` if any. */
import Mocha from 'mocha';

export default class PlainClose extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : '';
    process.stdout.write(`${passes} passed, ${failures} failed${skipped}\n`);
  }
}
