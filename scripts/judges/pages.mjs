// The documentation pages in headless Chromium: node pages.mjs BASE-URL. Packages from $JUDGES.
//
// /docs performs a "Try it out" call that answers 200, /redoc shows every operation, nothing fails
// on the way, and no request leaves 127.0.0.1.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(`${process.env.JUDGES}/`);
const { chromium } = require("playwright-core");

const base = process.argv[2];
const seen = [];
const faults = [];

/** Lists every request of a page, and lets none go elsewhere. */
async function watch(context) {
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    seen.push(url.href);
    if (url.hostname === "127.0.0.1") {
      return route.continue();
    }
    faults.push(`a request went to ${url.href}`);
    return route.abort();
  });
  context.on("response", (response) => {
    if (response.status() >= 400) {
      faults.push(`${response.url()} answered ${response.status()}`);
    }
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on("websocket", (socket) => faults.push(`a WebSocket went to ${socket.url()}`));
    page.on("console", (message) => {
      // What the page's own policy withholds is never asked for.
      const withheld = message.text().includes("Content Security Policy");
      if (withheld) console.log(`${page.url()}: ${message.text()}`);
      else if (message.type() === "error") faults.push(`${page.url()}: ${message.text()}`);
    });
  });
}

/** The operations of the document, in the order in which the pages show them. */
async function operations() {
  const document = await (await fetch(`${base}/openapi.json`)).json();
  const methods = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).filter((key) => methods.has(key)).map((method) => ({ method, path })));
}

/** "Try it out" on a GET operation that needs no path parameter. */
async function tryItOut(page, all) {
  const operation = all.find(({ method, path }) => method === "get" && !path.includes("{"));
  if (!operation) throw new Error("no GET operation without path parameters to try");
  await page.goto(`${base}/docs`);
  await page.locator(".opblock").first().waitFor();
  const shown = await page.locator(".opblock").count();
  if (shown !== all.length) faults.push(`/docs shows ${shown} operations of ${all.length}`);
  const block = page
    .locator(".opblock-get")
    .filter({ has: page.locator(`[data-path="${operation.path}"]`) });
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === operation.path);
  await block.locator("button.execute").click();
  const answer = await answered;
  const status = block.locator(".live-responses-table .response .response-col_status");
  await status.waitFor();
  const displayed = (await status.innerText()).trim();
  console.log(`/docs: GET ${operation.path} answered ${answer.status()}, the page shows ${displayed}`);
  if (answer.status() !== 200 || !displayed.startsWith("200")) {
    faults.push(`"Try it out" on GET ${operation.path} shows ${displayed} and not 200`);
  }
}

/** ReDoc gives each operation sections of its own: `operation/ID`, and one more below each tag. */
async function redoc(page, all) {
  await page.goto(`${base}/redoc`);
  const sections = page.locator('[data-section-id*="operation/"], [data-section-id*="paths/"]');
  await sections.first().waitFor({ state: "attached" });
  const ids = await sections.evaluateAll((found) =>
    found.map((section) => section.dataset.sectionId.replace(/^.*?(operation|paths)\//, "")));
  const shown = new Set(ids).size;
  console.log(`/redoc: ${shown} operations of ${all.length}`);
  if (shown !== all.length) faults.push(`/redoc shows ${shown} operations of ${all.length}`);
}

// The browser's own services stay silent, and a name that is no address resolves to nothing.
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const profile = mkdtempSync(join(tmpdir(), "photon-pages-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: flags,
});
try {
  context.setDefaultTimeout(30_000);
  await watch(context);
  const all = await operations();
  await tryItOut(await context.newPage(), all);
  await redoc(await context.newPage(), all);
} catch (error) {
  faults.push(error.message);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
console.log(`${seen.length} requests, all listed:\n  ${[...new Set(seen)].join("\n  ")}`);
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
