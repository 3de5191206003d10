// LM Studio's own JavaScript SDK against a server: `node drive.mjs ws://HOST:PORT`. Prints one JSON object: what each
// step came to, and all that the SDK logged. Its validation is strict, and what does not fit is a warning in that log.
import { LMStudioClient } from "@lmstudio/sdk";

const log = [];
const note = (level) => (...words) => log.push(`${level}: ${words.join(" ")}`);
const logger = { info: note("info"), error: note("error"), warn: note("warn"), debug: () => {} };
const connect = () => new LMStudioClient({ baseUrl: process.argv[2], logger });
const client = connect();
const outcome = {};
const KEY = "smollm2-135m-instruct";
const ENDLESS = { type: "gbnf", gbnfGrammar: 'root ::= "ab " root' };

async function step(name, work) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no end within 60 s")), 60_000).unref());
  try {
    outcome[name] = (await Promise.race([work(), late])) ?? null;
  } catch (error) {
    outcome[name] = { error: String(error.message ?? error) };
  }
}

await step("version", async () => await client.system.getLMStudioVersion());
await step("downloaded", async () => (await client.system.listDownloadedModels()).map((model) => [model.type, model.modelKey]));
await step("loaded", async () => (await client.llm.listLoaded()).map((model) => model.identifier));

const model = await client.llm.model();
await step("info", async () => ({ ...(await model.getModelInfo()), instanceReference: undefined, lastUsedTime: undefined }));
await step("context", async () => await model.getContextLength());

await step("respond", async () => {
  const progress = [];
  const result = await model.respond("Say hello.", {
    maxTokens: 12,
    temperature: 0,
    onPromptProcessingProgress: (value) => progress.push(value),
  });
  return { content: result.content, stats: result.stats, progress, key: result.modelInfo.modelKey };
});
await step("same seed", async () => {
  const ask = async () => (await model.respond("Tell me of a bird.", { maxTokens: 16, temperature: 1.5, raw: { fields: [{ key: "llm.prediction.seed", value: { checked: true, value: 7 } }] } })).content;
  return [await ask(), await ask()];
});
await step("stream", async () => {
  const prediction = model.respond("Go on.", { maxTokens: 20, structured: ENDLESS });
  const pieces = [];
  for await (const piece of prediction) pieces.push(piece);
  const result = await prediction.result();
  return {
    same: pieces.map((piece) => piece.content).join("") === result.content,
    empty: pieces.filter((piece) => piece.content === "").length,
    tokens: pieces.reduce((sum, piece) => sum + piece.tokensCount, 0),
    predicted: result.stats.predictedTokensCount,
    stop: result.stats.stopReason,
  };
});
await step("cancel", async () => {
  const prediction = model.respond("Go on.", { structured: ENDLESS });
  for await (const _ of prediction) await prediction.cancel();
  return (await prediction.result()).stats.stopReason;
});
await step("abort", async () => {
  const controller = new AbortController();
  const prediction = model.respond("Go on.", { structured: ENDLESS, signal: controller.signal });
  for await (const _ of prediction) controller.abort();
  return (await prediction.result()).stats.stopReason;
});
await step("complete", async () => {
  const result = await model.complete("Once upon a", { maxTokens: 3, structured: ENDLESS });
  return { stop: result.stats.stopReason, prompt: result.stats.promptTokensCount, predicted: result.stats.predictedTokensCount };
});
await step("structured", async () => {
  const jsonSchema = { type: "object", properties: { colour: { enum: ["red", "blue"] } }, required: ["colour"], additionalProperties: false };
  const result = await model.respond("Pick a colour.", { structured: { type: "json", jsonSchema }, maxTokens: 40 });
  return JSON.parse(result.content);
});
await step("tokenize", async () => [(await model.tokenize("one two three")).length, await model.countTokens("one two three")]);
await step("template", async () => await model.applyPromptTemplate([{ role: "user", content: "What is this?" }]));
await step("embed", async () => {
  const embedder = await client.embedding.load(`text-embedding-${KEY}`, { config: { contextLength: 256 } });
  const { embedding } = await embedder.embed("a cat");
  const counted = await embedder.countTokens("one two three");
  await embedder.unload();
  return { size: embedding.length, length: Math.hypot(...embedding), counted };
});
await step("load", async () => {
  const progress = [];
  const second = await client.llm.load(KEY, { identifier: "second", ttl: 60, config: { contextLength: 256 }, onProgress: (value) => progress.push(value) });
  const loaded = (await client.llm.listLoaded()).map((one) => one.identifier).sort();
  const context = await second.getContextLength();
  await second.unload();
  return { progress, loaded, context, left: (await client.llm.listLoaded()).map((one) => one.identifier) };
});
await step("upload", async () => {
  const file = await client.files.prepareFileBase64("note.txt", Buffer.from("A note.").toString("base64"));
  return { name: file.name, type: file.type, size: file.sizeBytes };
});
await step("unknown model", async () => await client.llm.model("no-such-model"));
await step("unknown instance", async () => await client.llm.unload("no-such-instance"));
await step("two at once", async () => {
  const other = connect();
  const ask = async (one) => (await (await one.llm.model()).respond("Go on.", { maxTokens: 8, structured: ENDLESS })).stats.predictedTokensCount;
  const counts = await Promise.all([ask(client), ask(other), ask(other)]);
  await other[Symbol.asyncDispose]();
  return counts;
});

console.log(JSON.stringify({ outcome, log }));
process.exit(0);
