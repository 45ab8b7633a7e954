/** The version that the package, the status page and the metrics name. */
import manifest from '../package.json' with { type: 'json' };

export const { version } = manifest;
