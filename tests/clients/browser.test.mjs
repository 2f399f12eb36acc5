// pusher-js in a real browser, through the same cells as everywhere else: each client is a tab. Browsers compress
// what they can, so here is compression's meeting with a decoder that is not ours.

import { after, before, test } from 'node:test';

import { Browser, whyNoBrowser } from './matrix/browser.mjs';
import { CHROMIUM } from './matrix/sdks.mjs';
import { declareMatrix } from './matrix/stage.mjs';

const PAGE = `<!DOCTYPE html>
<title>pusher-js</title>
<script src="/pusher.js"></script>
<script type="module">
  import { PusherJsDriver } from '/driver.js';
  window.driver = new PusherJsDriver(Pusher, (event) => report(JSON.stringify(event)));
</script>
`;

const PAGES = {
  '/': PAGE,
  '/pusher.js': new URL('node_modules/pusher-js/dist/web/pusher-with-encryption.min.js', import.meta.url),
  '/driver.js': new URL('matrix/pusher_js.mjs', import.meta.url),
};

let browser;

function openTab(report, backend) {
  return browser.driver(`${backend.url}/`, report);
}

const missing = whyNoBrowser();
if (missing) {
  test(CHROMIUM.title, { skip: missing }, () => {});
} else {
  before(async () => { browser = await Browser.start(); });
  after(() => browser?.stop());
  declareMatrix([{ ...CHROMIUM, pages: PAGES, open: openTab }], { websocket: { compression: 'shared' } });
}
