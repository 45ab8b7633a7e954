import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { html } from '../../../daemon/status/page/html.ts';

describe('html', () => {
  it('escapes whatever is put in, in text and in attributes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', ';', '`', '\0', '\n') }), (text) => {
        const [, attribute = '', content = ''] =
          /^<p title="([^"]*)">([^]*)<\/p>$/.exec(html`<p title="${text}">${text}</p>`.text) ?? assert.fail();
        for (const written of [attribute, content]) {
          assert.doesNotMatch(written, /[<>"']/);
          assert.equal(unescaped(written), text);
        }
      }),
    );
  });

  it('takes what it made itself as it is, lists as their parts, and null and false as nothing', () => {
    const item = html`<b>${'<'}</b>`;
    assert.equal(html`${[item, item]}${null}${false}${0}`.text, '<b>&lt;</b><b>&lt;</b>0');
    assert.equal(html`${['<b>', [html`<br />`]]}`.text, '&lt;b&gt;<br />');
  });
});

const CHARACTERS: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

const unescaped = (text: string): string =>
  text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name) => CHARACTERS[name] ?? '');
