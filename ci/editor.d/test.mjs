// Drives a YAML language server over stdio: does the schema that `kubezero schema` prints complete and check environment.yaml?
// usage: node test.mjs SERVER SCHEMA FILE…
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [server, schema, ...files] = process.argv.slice(2);
const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map();
const diagnostics = new Map();
let buffer = Buffer.alloc(0);
let last = 0;
const settings = { yaml: { schemas: { [pathToFileURL(schema)]: ["*.yaml"] }, validate: true, completion: true, schemaStore: { enable: false } } };
const send = (message) => {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
};
const ask = (method, params) => new Promise((resolve) => { waiting.set(++last, resolve); send({ id: last, method, params }); });
const tell = (method, params) => send({ method, params });
child.stdout.on("data", (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end))[1]);
    if (buffer.length < end + 4 + length) return;
    const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length));
    buffer = buffer.subarray(end + 4 + length);
    if (message.method === "textDocument/publishDiagnostics") diagnostics.set(message.params.uri, message.params.diagnostics);
    else if (message.method === "workspace/configuration") send({ id: message.id, result: message.params.items.map((item) => settings[item.section] ?? {}) });
    else if (message.method && message.id !== undefined) send({ id: message.id, result: null });
    else if (waiting.has(message.id)) waiting.get(message.id)(message.result);
  }
});
setTimeout(() => { console.error("no answer within 60 seconds"); child.kill(); process.exit(1); }, 60_000).unref();

let failed = 0;
const expect = (what, holds, seen) => { console.log(`${holds ? "ok  " : "FAIL"} ${what}`); if (!holds) { failed++; console.log(JSON.stringify(seen)); } };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const open = async (name, text) => {
  const uri = `file:///test/${name}.yaml`;
  tell("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
  for (let i = 0; i < 100 && !diagnostics.has(uri); i++) await pause(50);
  return uri;
};
await ask("initialize", { processId: process.pid, rootUri: null, capabilities: { workspace: { configuration: true } } });
tell("initialized", {});
tell("workspace/didChangeConfiguration", { settings });
await pause(500);

const complete = async (name, text, line, character) => {
  const uri = await open(name, text);
  const found = await ask("textDocument/completion", { textDocument: { uri }, position: { line, character } });
  return (found?.items ?? found ?? []).map((item) => item.label);
};
let labels = await complete("components", "components:\n  \n", 1, 2);
expect("components complete to their names", labels.includes("cert-manager") && labels.includes("istio"), labels);
labels = await complete("settings", "components:\n  cert-manager:\n    settings:\n      \n", 3, 6);
expect("settings complete to the component's own", labels.includes("acme"), labels);
labels = await complete("cluster", "cluster:\n  \n", 1, 2);
expect("facts of the cluster complete", labels.includes("kubernetesVersion"), labels);
for (const [what, text] of [
  ["a component with a typo", "components:\n  cert-manger: {}\n"],
  ["a setting with a typo", "components:\n  cert-manager:\n    settings: {acmee: {}}\n"],
  ["a value of the wrong type", "components:\n  cert-manager: {enabled: maybe}\n"],
  ["a layer that is not there", "extends: [layers/bse]\n"],
  ["a fact that is not in the list", "cluster: {platform: moon}\n"],
]) {
  const uri = await open(what.replaceAll(" ", "-"), text);
  expect(`${what} is reported`, diagnostics.get(uri)?.length === 1, diagnostics.get(uri));
}
for (const file of files) {
  const uri = await open(file.replaceAll("/", "-"), readFileSync(file, "utf8"));
  expect(`${file} has no mistake`, diagnostics.get(uri)?.length === 0, diagnostics.get(uri));
}
child.kill();
process.exit(failed ? 1 : 0);
