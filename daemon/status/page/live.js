/** Keeps the page up to date: listens to what happens, asks for the page again, and changes what has changed. */

const main = document.querySelector('main');
const connection = document.querySelector('#connection');
const { about } = main.dataset;
const everyMs = Number(main.dataset.every) * 1000;

let askedMs = performance.now();
let isAsking = false;
let isMissed = false;

/** Takes over what differs, so that what has the focus, or is open, stays as it is. */
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.hasAttribute('data-keep') || old === document.activeElement?.closest('form')) return;
  for (const { name } of Array.from(old.attributes))
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let at = old.firstChild;
  for (const child of Array.from(fresh.childNodes)) {
    const known = keyOf(child) && keyed.get(keyOf(child));
    if (known && known !== at) old.insertBefore(known, at);
    if (known || (at !== null && !keyOf(at) && !keyOf(child))) {
      const target = known || at;
      at = target.nextSibling;
      morph(target, child);
    } else old.insertBefore(child, at);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE && node.dataset.key;

async function refresh() {
  if (isAsking || document.hidden) {
    isMissed = true;
    return;
  }
  isAsking = true;
  isMissed = false;
  askedMs = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    morphChildren(main, fresh.querySelector('main'));
    document.title = fresh.title;
    tell(`live, as of ${fresh.querySelector('#connection').dataset.now.slice(11, 19)} UTC`, false);
  } catch {
    tell(`no answer from Weir: this is as of ${connection.dataset.now.slice(11, 19)} UTC or later`, true);
  }
  isAsking = false;
}

function tell(words, isLost) {
  connection.classList.toggle('lost', isLost);
  if (connection.textContent !== words) connection.textContent = words;
}

const isDue = () => performance.now() - askedMs >= everyMs - 100;

if (everyMs > 0) {
  const events = new EventSource('/api/events');
  events.addEventListener('status', () => {
    if (isMissed || isDue()) void refresh();
  });
  events.addEventListener('incident', ({ data }) => {
    const { event, incident } = JSON.parse(data);
    const concerns = about === '' || about === incident.id || about === incident.tenant;
    if (concerns && event !== 'refreshed') void refresh();
  });
  events.addEventListener('error', () => tell('no connection to Weir: trying again', true));
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && isMissed) void refresh();
  });
  // A tab that is left lets others listen.
  addEventListener('pagehide', () => events.close());
}
