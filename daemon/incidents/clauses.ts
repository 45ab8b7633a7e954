/** The clauses of the policy, in its words. */
import type { Clause } from '../detectors/detector.ts';

export const CLAUSE_WORDS: Readonly<Record<Clause, string>> = {
  'network.disruption': 'Disruption of the network: floods and other attacks on reachability',
  'network.snooping': 'Snooping: scans of hosts and ports',
  'network.spoofing': 'Spoofing: forged sources and headers',
  'network.throughput': 'Throughput beyond what the plan is for',
  'resource.cpu': 'More processor than a share of the host',
  'resource.memory': 'More memory than a share of the host',
};
