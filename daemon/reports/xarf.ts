/**
 * An incident as an X-ARF 4 report (https://xarf.org, schemas/v4: xarf-core, connection-ddos, connection-port-scan), which abuse
 * desks take in by machine. Pure.
 */
import { createHash } from 'node:crypto';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentDetail } from '../status/answers.ts';

const XARF_VERSION = '4.0.0';
const MAX_DESCRIPTION = 1000;

export interface XarfExtras {
  readonly reporter: { readonly org: string; readonly contact: string };
  /** A UUID. */
  readonly reportId: string;
  /** The headers of some of its packets; null: none are kept. */
  readonly pcap: Uint8Array | null;
}

/** The report; or why there can be none: it tells of one source, and only of what X-ARF has a type for. */
export function xarfReport(
  { incident, words }: IncidentDetail,
  { reporter, reportId, pcap }: XarfExtras,
): { readonly report: object } | { readonly refused: string } {
  const { signature, firstSeen, lastSeen, offender, victim, evidence, peak, unit } = incident;
  const type = TYPES[incident.clause];
  if (type === undefined) return { refused: `X-ARF has no type for ${signature}` };
  if (offender === null || offender === incident.tenant)
    return { refused: `X-ARF reports one source, and ${incident.id} has none that is known, or many` };
  const protocol = protocolOf(incident);
  if (protocol === null) return { refused: `X-ARF has no name for the protocol of ${signature}` };
  const contact = { ...reporter, domain: reporter.contact.slice(reporter.contact.lastIndexOf('@') + 1) };
  const [port] = evidence.tier === 'sample' ? [] : evidence.topPorts;
  const report = {
    xarf_version: XARF_VERSION,
    report_id: reportId,
    timestamp: firstSeen,
    reporter: contact,
    sender: contact,
    source_identifier: offender,
    category: 'connection',
    type,
    first_seen: firstSeen,
    last_seen: lastSeen,
    protocol,
    ...(victim !== null && victim !== incident.tenant && { destination_ip: victim }),
    ...(port !== undefined && port.port > 0 && { destination_port: port.port }),
    ...(type === 'ddos' && ddosFields(incident, peak, unit)),
    evidence_source: evidence.tier === 'flow' ? 'flow_analysis' : 'ids_detection',
    confidence: incident.confidence,
    description: [`${words.subject}: ${words.value}.`, ...words.evidence].join('\n').slice(0, MAX_DESCRIPTION),
    tags: [`weir:${signature.toLowerCase()}`],
    evidence: [
      item('text/plain', 'What was seen', Buffer.from([words.subject, ...words.evidence, words.origin].join('\n'))),
      ...(pcap === null
        ? []
        : [item('application/vnd.tcpdump.pcap', 'The headers of some of its packets', Buffer.from(pcap))]),
    ],
  };
  return { report };
}

const TYPES: Readonly<Partial<Record<Incident['clause'], 'ddos' | 'port_scan'>>> = {
  'network.disruption': 'ddos',
  'network.snooping': 'port_scan',
};

function ddosFields({ signature, firstSeen, lastSeen }: Incident, peak: number, unit: Incident['unit']) {
  const seconds = Math.round((Date.parse(lastSeen) - Date.parse(firstSeen)) / 1000);
  return {
    attack_vector: signature.replaceAll(/[A-Z]/g, (each) => `_${each.toLowerCase()}`),
    ...(unit === 'packets/s' && peak >= 1 && { peak_pps: Math.round(peak) }),
    ...(seconds >= 1 && { duration_seconds: seconds }),
  };
}

/** By the packets that there were most of; null: there is no name for it. */
function protocolOf({ evidence }: Incident): 'tcp' | 'udp' | 'icmp' | null {
  if (evidence.tier === 'sample') return null;
  const [kind = ''] = Object.entries(evidence.packetsByKind).toSorted(([, a], [, b]) => b - a)[0] ?? [];
  if (kind.startsWith('tcp')) return 'tcp';
  return kind === 'udp' || kind === 'icmp' ? kind : null;
}

const item = (type: string, description: string, bytes: Buffer) => ({
  content_type: type,
  description,
  payload: bytes.toString('base64'),
  hash: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  size: bytes.length,
});
