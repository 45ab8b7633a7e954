import assert from 'node:assert/strict';
import {
  ADDRESSES,
  type Cell,
  COUNTS,
  dataOf,
  HEADER,
  ipfixOf,
  messageOf,
  optionsOf,
  PLAIN,
  scope,
  SOURCE,
  specOf,
  templateOf,
} from '../../support/flowCells.ts';
import { flowSet, template, templatedMessage, templateSet, withdrawal } from '../../support/flowMessages.ts';
import { DecoderBed, EXPORTER } from '../../support/flowRecords.ts';

const numbered = (sequence: number, cells: readonly Cell[]) =>
  templatedMessage('ipfix', { ...HEADER, sequence }, dataOf(cells));

describe('FlowDecoder on withdrawals and sessions', () => {
  const templates = ipfixOf(
    templateOf('ipfix', PLAIN, 300),
    templateOf('ipfix', PLAIN, 301),
    ...optionsOf('ipfix', 400, [scope('ipfix'), [34, 4, 10]]),
  );
  const UDP = 0;
  const TCP = 5;
  const CASES: readonly (readonly [
    title: string,
    session: number,
    set: Buffer,
    problem: string | null,
    left: number,
  ])[] = [
    ['are ignored over UDP, and counted', UDP, flowSet(2, withdrawal(300)), 'templateWithdrawal', 3],
    ['of all are ignored over UDP, and counted', UDP, flowSet(2, withdrawal(2)), 'templateWithdrawal', 3],
    ['end one template over TCP', TCP, flowSet(2, withdrawal(300)), null, 2],
    ['end all templates over TCP, and no options template', TCP, flowSet(2, withdrawal(2)), null, 1],
    ['end all options templates over TCP', TCP, flowSet(3, withdrawal(3)), null, 2],
    ['of the other kind end nothing', TCP, flowSet(3, withdrawal(300)), null, 3],
    ['of a reserved id end nothing', TCP, flowSet(2, withdrawal(17)), 'templateId', 3],
    ['are not what padding looks like', TCP, flowSet(2, Buffer.alloc(8)), null, 3],
  ];
  it('keep the templates of an open connection, however long it is silent, when exporters come and go', () => {
    const bed = new DecoderBed();
    bed.feedFrom(EXPORTER, TCP, ipfixOf(templateOf('ipfix', PLAIN, 300)));
    for (let i = 0; i < 2000; i++) {
      bed.nowMs += 1000;
      bed.feedFrom(`198.51.${i >> 8}.${i & 255}`, UDP, ipfixOf(templateOf('ipfix', PLAIN, 300)));
    }
    bed.feedFrom(EXPORTER, TCP, ipfixOf(dataOf(PLAIN, 300)));
    assert.equal(bed.records.length, 1);
    assert.equal(bed.decoder.statistics().size, 512);
  });

  for (const [title, session, set, problem, left] of CASES) {
    it(`withdrawals ${title}`, () => {
      const bed = new DecoderBed();
      assert.equal(bed.feedFrom(EXPORTER, session, templates), null);
      assert.equal(bed.feedFrom(EXPORTER, session, ipfixOf(set)), problem);
      assert.equal(bed.statistics?.templates, left);
    });
  }

  it('a template that comes after the withdrawal of the old is read', () => {
    const bed = new DecoderBed();
    const other: readonly Cell[] = [...COUNTS, ...ADDRESSES];
    bed.feedFrom(EXPORTER, TCP, templates);
    const sets = Buffer.concat([withdrawal(300), template(300, other.map(specOf))]);
    assert.equal(bed.feedFrom(EXPORTER, TCP, ipfixOf(flowSet(2, sets), dataOf(other))), null);
    assert.equal(bed.records[0]?.sourceIPv4Address, SOURCE | 0);
  });

  it("a connection's templates are its own, and end with it; what it lost stays told", () => {
    const bed = new DecoderBed();
    const swapped: readonly Cell[] = [...COUNTS, ...ADDRESSES];
    bed.feedFrom(EXPORTER, 5, ipfixOf(templateOf('ipfix', PLAIN)));
    bed.feedFrom(EXPORTER, 6, ipfixOf(templateOf('ipfix', swapped)));
    bed.feedFrom(EXPORTER, 5, numbered(0, PLAIN));
    bed.feedFrom(EXPORTER, 6, numbered(0, swapped));
    assert.deepEqual(
      bed.records.map(({ octetDeltaCount }) => octetDeltaCount),
      [840, 840],
    );
    bed.feed(numbered(0, PLAIN));
    assert.deepEqual([bed.records.length, bed.statistics?.missingTemplates], [2, 1]);
    for (let i = 0; i < 20; i++) bed.feedFrom(EXPORTER, 5, numbered(11 + i, PLAIN));
    assert.equal(bed.statistics?.lostRecords, 10);
    bed.decoder.endSession(EXPORTER, 5);
    bed.decoder.endSession(EXPORTER, 5);
    assert.deepEqual([bed.statistics?.lostRecords, bed.statistics?.templates], [10, 1]);
    bed.feedFrom(EXPORTER, 5, numbered(31, PLAIN));
    assert.equal(bed.statistics?.missingTemplates, 2);
    assert.deepEqual(bed.decoder.save(), []);
  });
});

const templatesFrom = (first: number, count: number, fields: number): Buffer[] =>
  Array.from({ length: Math.ceil(count / 100) }, (_, i) =>
    templatedMessage(
      'ipfix',
      HEADER,
      ...Array.from({ length: Math.min(100, count - i * 100) }, (__, j) =>
        templateSet(
          'ipfix',
          template(
            first + i * 100 + j,
            Array.from({ length: fields }, () => ({ element: 210, octets: 1 })),
          ),
        ),
      ),
    ),
  );

const ofDomain = (domain: number, sequence: number): Buffer => messageOf('netflow9', PLAIN, { domain, sequence });

describe('FlowDecoder on floods of templates', () => {
  it('keeps 1,024 of an exporter, and takes 128 of a message', () => {
    const bed = new DecoderBed();
    for (const problem of bed.feed(...templatesFrom(256, 20_000, 1))) {
      assert.equal(problem, null);
      assert((bed.statistics?.templates ?? 0) <= 1024, `${bed.statistics?.templates} templates`);
    }
    const crowded = Array.from({ length: 200 }, (_, i) =>
      templateSet('ipfix', template(256 + i, [{ element: 8, octets: 4 }])),
    );
    const other = new DecoderBed();
    assert.deepEqual(other.feed(templatedMessage('ipfix', HEADER, ...crowded)), ['tooManyTemplates']);
    assert.equal(other.statistics?.templates, 128);
  });

  it('keeps some of every exporter, whatever the others have sent', () => {
    const bed = new DecoderBed();
    for (let i = 0; i < 40; i++)
      for (const message of templatesFrom(256, 1000, 32)) bed.feedFrom(`198.51.100.${i}`, 0, message);
    assert.deepEqual(bed.feed(messageOf('ipfix', PLAIN)), [null]);
    assert.equal(bed.records.length, 1);
    const kept = [...bed.decoder.statistics().values()].reduce((sum, { templates }) => sum + templates, 0);
    assert(kept <= 16_384 + 41 * 32, `${kept} templates`);
  });

  it('keeps 256 domains of an exporter: those go that no data came for, and what they lost stays told', () => {
    const bed = new DecoderBed();
    bed.feed(ofDomain(1, 0), ...Array.from({ length: 30 }, (_, i) => ofDomain(1, 8 + i)));
    for (let domain = 2; domain < 2000; domain++) {
      bed.nowMs += 1;
      bed.feed(templatedMessage('netflow9', { ...HEADER, domain }, templateOf('netflow9', PLAIN)));
    }
    assert.deepEqual([bed.statistics?.templates, bed.statistics?.evictedDomains], [256, 1999 - 256]);
    bed.feed(templatedMessage('netflow9', { ...HEADER, domain: 1, sequence: 38 }, dataOf(PLAIN)));
    assert.deepEqual([bed.records.length, bed.statistics?.missingTemplates], [32, 0]);
    for (let domain = 2; domain < 300; domain++) bed.feed(ofDomain(domain, 0));
    assert.deepEqual([bed.statistics?.templates, bed.statistics?.lostMessages], [256, 7]);
  });

  it('lets those go that no data came for, those that were sent longest ago first, and counts them', () => {
    const bed = new DecoderBed();
    bed.feed(messageOf('ipfix', PLAIN), ...templatesFrom(1000, 500, 1));
    bed.nowMs += 1;
    bed.feed(...templatesFrom(2000, 523, 1), ipfixOf(dataOf(PLAIN)));
    assert.deepEqual([bed.statistics?.templates, bed.statistics?.evictedTemplates], [1024, 0]);
    for (let i = 0; i < 20; i++) {
      bed.nowMs += 1;
      assert.deepEqual(bed.feed(...templatesFrom(5000 + i * 100, 100, 1), ipfixOf(dataOf(PLAIN))), [null, null]);
    }
    assert.equal(bed.records.length, 22);
    assert.equal(bed.statistics?.missingTemplates, 0);
    assert.equal((bed.statistics?.templates ?? 0) + (bed.statistics?.evictedTemplates ?? 0), 1024 + 2000);
  });
});
