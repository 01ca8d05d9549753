// Opens the pages of reviews from disk in Chromium and works with them as a person does.
// usage: node test.mjs TOOLS PAGES [BROWSER]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, pages, executablePath] = process.argv.slice(2);
const require = createRequire(join(resolve(tools), "/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const address = (name, hash = "") => pathToFileURL(join(resolve(pages), `${name}.html`)).href + hash;

let failed = 0;
const expect = (what, holds, seen) => {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
  if (!holds) { failed++; console.log(JSON.stringify(seen)); }
};
const same = (what, seen, wanted) => expect(what, JSON.stringify(seen) === JSON.stringify(wanted), { seen, wanted });
// A page answers a click in its own time (a change of the address is an event of its own): asked again until it holds.
const soon = async (what, read, holds = Boolean) => {
  const given = Date.now() + 10_000;
  let seen = await read();
  while (!holds(seen) && Date.now() < given) {
    await new Promise((again) => setTimeout(again, 25));
    seen = await read();
  }
  expect(what, holds(seen), seen);
};
const becomes = (what, read, wanted) => soon(what, read, (seen) => JSON.stringify(seen) === JSON.stringify(wanted));

const launched = chromium.launch({ executablePath: executablePath || undefined, args: ["--no-sandbox"] });
const browser = await launched.catch((error) => {
  const why = `Chromium does not start (${error.message.split("\n")[0]})`;
  // Who names a browser wants that one.
  console.log(process.env.CHROMIUM ? why : `skipped: ${why}`);
  process.exit(process.env.CHROMIUM ? 1 : 0);
});

// A page of its own, and all that it says, asks for or opens while it is used.
const open = async (name, { hash, ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const noise = [];
  page.on("console", (message) => { if (message.type() !== "info") noise.push(message.text()); });
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("dialog", (dialog) => { noise.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on("popup", (popup) => noise.push(`popup ${popup.url()}`));
  page.on("request", (request) => { if (request.url() !== address(name)) noise.push(`request ${request.url()}`); });
  await page.goto(address(name, hash));
  return { page, context, noise };
};
const shown = (page) => page.locator(".item:not([hidden])").count();
const names = (page) => page.locator(".item:not([hidden]) h3").allTextContents();
const settled = (page) => page.waitForTimeout(150);
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);
const isOpen = (page, index) => page.locator(".item").nth(index).evaluate((item) => item.open);

{
  const { page, context, noise } = await open("dangerous", { permissions: ["clipboard-read", "clipboard-write"] });
  const total = await shown(page);
  await becomes("the worst come first", async () => (await names(page)).slice(0, 2), ["argocd/orders-db", "ingress/gateway"]);
  const ends = await page.locator(".item").evaluateAll((items) => items.slice(0, 3).map((item) => item.getBoundingClientRect().bottom));
  expect("three facts are on the first screen", ends.every((end) => end < 900), ends);
  const first = await page.locator(".item").first().innerText();
  expect("with the line that caused them", first.includes("environments/aws-ha/environment.yaml:31"), first);
  expect("changes of bytes only are folded, and counted",
    !(await page.locator("#class-cosmetic .item").first().isVisible()) && (await page.locator("#class-cosmetic").innerText()).includes("12 objects"), null);

  await page.keyboard.press("/");
  await page.keyboard.type("secrets get");
  await becomes("search finds what is inside", () => names(page), ["cluster-autoscaler"]);
  await becomes("and is in the address", () => hash(page), "#search=secrets+get");
  await page.reload();
  await becomes("where it stays", () => names(page), ["cluster-autoscaler"]);
  await becomes("how many are shown is said", () => page.locator("#shown").innerText(), `1 of ${total} changes shown`);
  await page.keyboard.press("/");
  await page.keyboard.press("Escape");
  await becomes("Escape shows all", () => shown(page), total);

  await page.selectOption("#environment", "aws-classic");
  await page.selectOption("#class", "privilege");
  await becomes("filter by environment and class", () => names(page), ["cluster-autoscaler"]);
  await page.click("#clear");
  await page.selectOption("#component", "loki");
  await becomes("filter by component", () => names(page), ["argocd/loki", "monitoring/loki"]);
  await page.click("#clear");
  await page.click(".counts a[data-set='class=cosmetic']");
  await soon("what is filtered for is unfolded", () => page.locator("#class-cosmetic .item").first().isVisible());
  await page.click(".counts a[data-set='class=cosmetic']");
  await becomes("the same figure again shows all", () => shown(page), total);
  await page.click("#where tbody tr:first-child td:nth-child(2) a");
  await becomes("a cell of the table filters by both", () => hash(page), "#environment=aws-ha&component=orders-db");
  await becomes("and shows one", () => names(page), ["argocd/orders-db"]);
  await page.click("#clear");
  await page.fill("#search", "no such thing");
  await becomes("nothing found is said", () => page.locator("#shown").innerText(), `0 of ${total} changes shown`);
  await page.click("#clear");

  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const at = await page.evaluate(() => document.activeElement.querySelector("h3").textContent);
  same("j and k move", at, "ingress/gateway");
  await page.keyboard.press("Enter");
  await becomes("Enter opens", () => isOpen(page, 1), true);
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  same("the focus is seen", ring, "solid");
  await page.keyboard.press("Enter");
  await becomes("Enter closes", () => isOpen(page, 1), false);
  await page.keyboard.press("?");
  await soon("? shows the keys", () => page.locator("#help").isVisible());
  await page.keyboard.press("j");
  await page.keyboard.press("Escape");
  await soon("Escape hides them", () => page.locator("#help").isHidden());
  await page.keyboard.press("o");
  await soon("o opens all", () => page.locator(".item").evaluateAll((items) => items.every((item) => item.open)));

  const edges = () => page.locator("#class-immutable .edit .d").first().evaluate((d) =>
    [...d.children].slice(0, 2).map((child) => { const box = child.getBoundingClientRect(); return { left: box.left, top: box.top }; }));
  await soon("old stands above new", edges, ([old, young]) => old.left === young.left && old.top < young.top);
  await page.keyboard.press("s");
  await soon("s puts them side by side", edges, ([old, young]) => old.left < young.left && old.top === young.top);
  await becomes("which is in the address", () => hash(page), "#view=split");
  await becomes("and said", () => page.getAttribute("#split", "aria-pressed"), "true");
  await page.click("#demands li:first-child a");
  await soon("a demand leads to its change", () => page.evaluate(() => {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return { text: document.activeElement.textContent, top, bottom };
  }), ({ text, top, bottom }) => text.includes("orders-db") && top >= 0 && bottom <= 900);
  await becomes("and the view stays", () => page.getAttribute("#split", "aria-pressed"), "true");
  await page.keyboard.press("s");

  await page.click("#demands li:first-child .copy");
  await becomes("a trailer is copied", () => page.evaluate(() => navigator.clipboard.readText()), "Accept-Delete: aws-ha/orders-db");
  await page.click("#demands .list > p .copy");
  await becomes("all are", async () => (await page.evaluate(() => navigator.clipboard.readText())).split("\n").length, 2);

  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.click("#theme");
  const dark = await paper();
  expect("the switch makes it dark", light !== dark && (await page.getAttribute("#theme", "aria-pressed")) === "true", { light, dark });
  await page.reload();
  await becomes("and it is remembered", () => paper(), dark);
  await page.keyboard.press("t");
  await becomes("t makes it light", () => paper(), light);

  await page.emulateMedia({ media: "print" });
  expect("controls are not printed", !(await page.locator(".tools").isVisible()) && !(await page.locator(".copy").first().isVisible()), null);
  same("nothing is said on any of it, and nothing asked for", noise, []);
  await context.close();
}

{
  const { page, context, noise } = await open("dangerous", { colorScheme: "dark" });
  await becomes("dark where the system is", () => page.getAttribute("#theme", "aria-pressed"), "true");
  await page.emulateMedia({ media: "print" });
  const closed = await page.locator(".item .body").evaluateAll((bodies) => bodies.filter((body) => body.getBoundingClientRect().height < 20 || !body.checkVisibility()).length);
  same("everything is open on paper", closed, 0);
  same("which is white", await page.evaluate(() => getComputedStyle(document.querySelector("h1")).color), "rgb(29, 28, 26)");
  await page.emulateMedia({ media: "screen" });
  const pdf = await page.pdf({ format: "A4" });
  const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
  expect(`it prints (${sheets} sheets)`, sheets > 1 && sheets < 20, sheets);
  await becomes("after which it is as it was", () => page.locator(".item[open]").count(), 0);
  const id = await page.locator(".item").nth(3).getAttribute("id");
  await page.goto(address("dangerous", `#${id}`));
  await soon("a link to a change opens it", () => isOpen(page, 3));
  const folded = await page.locator("#class-cosmetic .item").nth(1).getAttribute("id");
  await page.goto(address("dangerous", `#${folded}`));
  await soon("also where it is folded", () => page.locator(`#${folded} .body`).isVisible());
  same("in silence", noise, []);
  await context.close();
}

for (const colorScheme of ["light", "dark"]) {
  const { page, context } = await open("dangerous", { colorScheme });
  await page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const item of document.querySelectorAll(".item")) item.style.contentVisibility = "visible";
  });
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  same(`accessible, ${colorScheme} (axe, ${result.passes.length} rules)`,
    result.violations.map((violation) => [violation.id, violation.nodes.slice(0, 3).map((node) => [node.target[0], node.any[0]?.message])]), []);
  await page.click("#keys");
  const help = await page.evaluate(() => globalThis.axe.run("#help"));
  same(`and its help, ${colorScheme}`, help.violations.map((violation) => violation.id), []);
  await context.close();
}

{
  const { page, context } = await open("dangerous", { viewport: { width: 400, height: 800 } });
  await page.click("#all");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  same("nothing hangs out of a narrow window", width, 400);
  await context.close();
}

{
  const { page, context, noise } = await open("dangerous", { javaScriptEnabled: false });
  expect("without its script the changes are there", await page.locator(".item > summary").first().isVisible(), null);
  expect("and no dead controls", !(await page.locator(".tools").isVisible()) && !(await page.locator(".copy").first().isVisible()), null);
  await page.locator(".item > summary").first().click();
  await soon("and they open", () => page.locator(".item .body").first().isVisible());
  same("in silence", noise, []);
  await context.close();
}

{
  const { page, context, noise } = await open("large", { javaScriptEnabled: false });
  await page.locator(".item > summary").nth(2).click();
  await soon("two thousand changes open without it, too", async () => (await page.locator(".item").nth(2).innerText()).includes("Because of"));
  same("in silence", noise, []);
  await context.close();
}

for (const name of ["hostile", "hostile-many"]) {
  const { page, context, noise } = await open(name);
  await page.click("#all");
  await page.evaluate(() => { for (const details of document.querySelectorAll("details")) details.open = true; });
  await page.evaluate(() => {
    for (const link of document.querySelectorAll("main a, header a")) link.click();
    for (const any of document.querySelectorAll("body *")) for (const event of ["mouseover", "focus", "error", "load"]) any.dispatchEvent(new Event(event, { bubbles: true }));
  });
  for (const field of ["environment", "component", "class"]) {
    for (const option of await page.locator(`#${field} option`).all()) await page.selectOption(`#${field}`, await option.getAttribute("value"));
  }
  await page.fill("#search", "<script>");
  await settled(page);
  same(`${name}: content runs nothing`, await page.evaluate(() => window.harmed), undefined);
  same("and makes no elements", await page.evaluate(() => ["script", "style", "link", "img", "svg", "iframe", "noscript"].map((tag) => document.getElementsByTagName(tag).length)), [1, 1, 1, 0, 0, 0, 0]);
  same("and goes nowhere", page.url().split("#")[0], address(name));
  same("in silence", noise, []);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.harmed = 99";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.harmed = 98'><a id=bad href='javascript:window.harmed=97'>x</a>");
    document.getElementById("bad").click();
  });
  await settled(page);
  same("and if it got in, the policy would hold it", await page.evaluate(() => window.harmed), undefined);
  await context.close();
}

{
  const { page, context, noise } = await open("bump");
  expect("one change in a hundred environments is one change, open", (await shown(page)) === 1 && (await isOpen(page, 0)), null);
  expect("with those that differ", (await page.locator(".exception").innerText()).includes("has v2.54.1"), null);
  await page.selectOption("#environment", "prod-eu-100");
  await becomes("which is found in each of them", () => shown(page), 1);
  same("in silence", noise, []);
  await context.close();
}

{
  const { page, context, noise } = await open("large");
  const times = [];
  for (let round = 0; round < 5; round++) {
    await page.goto("about:blank");
    await page.goto(address("large"));
    times.push(await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
      const [visit] = performance.getEntriesByType("navigation");
      const paint = performance.getEntriesByName("first-contentful-paint")[0];
      done({ ready: Math.round(performance.now()), load: Math.round(visit.loadEventEnd), paint: Math.round(paint?.startTime ?? 0) });
    })))));
  }
  times.sort((a, b) => a.ready - b.ready);
  console.log(`     2,000 Applications: first paint ${times[2].paint} ms, loaded ${times[2].load} ms, ready ${times[2].ready} ms (middle of five)`);
  await becomes("all are there", () => shown(page), 2000);
  const search = await page.evaluate(() => {
    const start = performance.now();
    location.hash = "search=component-07-cluster-042";
    return new Promise((done) => addEventListener("hashchange", () => requestAnimationFrame(() => setTimeout(() => done(Math.round(performance.now() - start))))));
  });
  console.log(`     found among them in ${search} ms`);
  await becomes("one is found", () => names(page), ["argocd/component-07-cluster-042"]);
  await page.fill("#search", "a remedy that says 1999.2.1");
  await page.waitForFunction(() => location.hash.includes("remedy"));
  await becomes("also by what is inside and was never opened", () => shown(page), 1);
  await page.fill("#search", "noscript");
  await page.waitForFunction(() => location.hash.includes("noscript"));
  await becomes("but not by the markup", () => shown(page), 0);
  await page.click("#clear");
  await page.locator(".item > summary").nth(5).click();
  const body = page.locator(".item").nth(5).locator(".body");
  await body.waitFor();
  expect("what is inside is built when it is opened", (await body.locator(".edit").count()) === 3 && (await body.innerText()).includes("Because of"), null);
  same("in silence", noise.filter((line) => !line.includes("about:blank")), []);
  await context.close();
}

await browser.close();
console.log(failed ? `${failed} failed` : "all fine");
process.exit(failed ? 1 : 0);
