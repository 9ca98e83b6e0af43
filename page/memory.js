// SPDX-License-Identifier: Apache-2.0
// Whether a model fits a GPU. Every number comes from the server: nothing is reckoned here.
import {estimate, onToken} from "./api.js";
import {applyPanel, runtimePanel} from "./apply.js";
import {curve, curveTable, responsive, shadesOf, stackedBar} from "./charts.js";
import {byId, fill, h, icon} from "./dom.js";
import {count, memory, memoryRange, printable, safeNumber, sourceKind} from "./format.js";
import {known, modelById, on, titleOf} from "./state.js";

const gib = 2 ** 30;
const gpus = [[8, "RTX 3070, RTX 4060"], [12, "RTX 3060, RTX 4070"], [16, "RTX 4080, RTX 5080, T4"],
	[20, "RTX 4000 Ada"], [24, "RTX 3090, RTX 4090, L4, A10"], [32, "RTX 5090, V100"], [40, "A100"],
	[48, "L40S, A40, RTX 6000 Ada"], [80, "A100, H100"], [96, "RTX PRO 6000, H20"], [141, "H200"],
	[180, "B200"], [192, "MI300X"]].map(([size, names]) => [String(size), `${size} GiB: ${names}`]);
const engines = [["auto", "The usual one"], ["llama.cpp", "llama.cpp"], ["ollama", "Ollama"],
	["vllm", "vLLM"], ["diffusers", "diffusers"]];
const cacheTypes = ["f16", "bf16", "f32", "f8", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"];
const profiles = [["", "The engine, part by part"], ["default", "Calculator: default"],
	["ada_16gb", "Calculator: ada_16gb"], ["hopper_80gb", "Calculator: hopper_80gb"],
	["studio_dual", "Calculator: studio_dual"]];

// What the model's files say. The first three can be unlocked.
const facts = [
	{key: "num_layers", query: "layers", label: "Layers"},
	{key: "num_kv_heads", query: "kv_heads", label: "Key/value heads"},
	{key: "head_dim", query: "head_dim", label: "Head size"},
	{key: "num_attention_heads", label: "Attention heads"},
	{key: "hidden_size", label: "Hidden size"},
	{key: "context_length", label: "Context length"},
	{key: "vocab_size", label: "Vocabulary"},
	{key: "sliding_window", label: "Sliding window"},
];

const wish = {};
let model = null;
let answers = null; // {main, fit, points, error}
let asking = null; // AbortController of what is under way
let timer = 0;
const cache = new Map();

// What a runtime was seen with counts for more than what the model was made for.
function prefill(next) {
	const measured = safeNumber(next?.architecture?.runtime?.runtime_context_tokens);
	const made = safeNumber(next?.architecture?.context_length);
	wish.context = String(measured || made || "");
	wish.contextFrom = measured ? "runtime" : next?.architecture?.field_sources?.context_length;
}

function reset(next) {
	model = next;
	Object.assign(wish, {
		engine: "auto", parallel: "1", batch: "", kv_dtype: "", flash: "auto",
		gpu: wish.gpu ?? "24", gpuOther: wish.gpuOther ?? "", share: "0.9", profile: wish.profile ?? "",
		offload: false, unlocked: {}, kvUsual: "",
	});
	prefill(next);
	answers = null;
}

function gpuBytes() {
	const size = wish.gpu === "other" ? Number(wish.gpuOther) : Number(wish.gpu);
	return Number.isFinite(size) && size > 0 ? Math.round(size * gib) : 0;
}

function engineOf() {
	return answers?.main?.engine ?? (wish.engine === "auto" ? "" : wish.engine);
}

// The query of all requests. An empty field is the engine's default.
function query(more) {
	const q = {model: model.id, parallel: wish.parallel, gpu_memory: gpuBytes() || "", kv_dtype: wish.kv_dtype};
	for (const {key, query: name} of facts) {
		if (name && wish.unlocked[key])
			q[name] = wish.unlocked[key];
	}
	if (wish.profile)
		return {...q, profile: wish.profile, ...more};
	return {...q, engine: wish.engine === "auto" ? "" : wish.engine, batch: wish.batch,
		flash_attention: wish.flash === "auto" ? "" : wish.flash,
		gpu_memory_utilization: wish.engine === "vllm" || engineOf() === "vllm" ? wish.share : "",
		offload: wish.offload ? "1" : "", ...more};
}

async function ask(q, signal) {
	const key = JSON.stringify(q);
	if (!cache.has(key)) {
		const answer = await estimate(q, signal);
		if (cache.size > 500)
			cache.clear();
		cache.set(key, answer);
	}
	return cache.get(key);
}

// The calculator says it in units of 1024.
function contextOf(main) {
	return safeNumber(main.context) || Math.round(safeNumber(main.inputs?.context_k) * 1024);
}

// The contexts of the curve: powers of two up to what the model was made for, and where we are.
function contexts(main) {
	const each = main.engine === "llama.cpp" ? Number(wish.parallel) || 1 : 1;
	const now = contextOf(main);
	const made = safeNumber(main.context_length ?? model.architecture?.context_length) || 131072;
	const limit = Math.max(made * each, now);
	const list = new Set([limit]);
	for (let tokens = limit < 4096 ? 64 : 1024; tokens < limit; tokens *= 2)
		list.add(tokens);
	const ticks = new Set(list);
	if (now)
		list.add(now);
	return [...list].sort((a, b) => a - b).map((context) => ({context, tick: ticks.has(context)}));
}

const pipeline = () => engineOf() === "diffusers" && !wish.profile;

const hasCurve = (main) => Array.isArray(main.parts) && main.engine !== "diffusers"
	&& main.parts.some(({name, known: is, max_bytes: max}) => name === "kv cache" && is && max > 0);

async function gather(signal) {
	const main = await ask(query({context: wish.context}), signal);
	const solvable = gpuBytes() > 0 && (main.profile ? true : hasCurve(main));
	const fit = solvable ? await ask(query({solve: "context"}), signal).catch((error) => {
		if (error.name === "AbortError")
			throw error;
		return null;
	}) : null;
	const points = !main.profile && !hasCurve(main) ? [] : await Promise.all(contexts(main).map(async (point) => {
		const {min, max} = summary(await ask(query({context: point.context}), signal));
		return {...point, min, max};
	}));
	return {main, fit, points, asked: {kv_dtype: wish.kv_dtype}};
}

function later() {
	clearTimeout(timer);
	asking?.abort();
	byId("memory-result").setAttribute("aria-busy", "true");
	timer = setTimeout(() => void now(), 180);
}

async function now() {
	if (!model)
		return;
	asking = new AbortController();
	const {signal} = asking;
	const engine = engineOf();
	const answer = await answerOf(signal);
	if (signal.aborted) // what is known already comes without being asked for: too late all the same
		return;
	answers = answer;
	// The share is vLLM's: known to be asked for only now.
	if (engineOf() === "vllm" && engine !== "vllm" && wish.engine === "auto" && !wish.profile)
		answers = await answerOf(signal);
	if (signal.aborted)
		return;
	fitForm();
	drawResult();
}

async function answerOf(signal) {
	try {
		return await gather(signal);
	} catch (error) {
		return {error};
	}
}

// The form.

function badge(source) {
	if (!source)
		return null;
	const kind = sourceKind(source);
	return h("span", {class: `badge${kind === "runtime log" ? " runtime" : kind === "yours" ? " yours" : ""}`,
		title: printable(source)}, kind);
}

function set(key, value) {
	wish[key] = value;
	later();
}

function select(id, label, options, key, hint) {
	const list = options.map((entry) => (Array.isArray(entry) ? entry : [entry, entry]));
	const box = h("select", {id, "aria-describedby": hint ? `${id}-hint` : null, onchange: (event) => {
		set(key, event.target.value);
		if (["gpu", "engine", "profile"].includes(key))
			drawForm();
	}}, list.map(([value, name]) => h("option", {value}, name)));
	box.value = wish[key];
	return h("div", {class: "field"}, h("label", {for: id}, label), box,
		hint ? h("span", {class: "hint", id: `${id}-hint`}, hint) : null);
}

// The engine's own choice, once it has answered.
function cacheText() {
	if (answers?.main?.kv_dtype && !answers.asked?.kv_dtype)
		wish.kvUsual = answers.main.kv_dtype;
	return `default${wish.kvUsual ? ` (${printable(wish.kvUsual, 12)})` : ""}`;
}

function number(id, label, key, more = {}) {
	const {hint, from, ...props} = more;
	const box = h("input", {id, type: "number", inputmode: "numeric", min: 1, step: 1, ...props,
		"aria-describedby": hint ? `${id}-hint` : null,
		oninput: (event) => {
			if (key === "context")
				wish.contextFrom = "manual";
			if (event.target.validity.valid)
				set(key, event.target.value);
		}});
	box.value = wish[key];
	return h("div", {class: "field"}, h("label", {for: id}, label, from ? [" ", badge(from)] : null), box,
		hint ? h("span", {class: "hint", id: `${id}-hint`}, hint) : null);
}

function engineName(name) {
	return engines.find(([value]) => value === name)?.[1] ?? printable(name, 30);
}

function contextHint() {
	const hints = {"llama.cpp": "-c: shared by all sequences", ollama: "num_ctx: of each sequence",
		vllm: "--max-model-len: of each sequence"};
	return wish.profile ? "of each sequence" : hints[engineOf()] ?? "as the engine counts it";
}

function factRow({key, query: name, label}) {
	const value = model.architecture?.[key];
	const none = value === undefined || value === null;
	if (!name && none)
		return null;
	const unlocked = name !== undefined && wish.unlocked[key] !== undefined;
	const id = `fact-${key}`;
	const source = unlocked ? "manual" : model.architecture?.field_sources?.[key];
	const box = h("input", {id, type: typeof value === "string" ? "text" : "number", min: 1, step: 1, disabled: !unlocked,
		oninput: (event) => {
			if (event.target.validity.valid) {
				wish.unlocked[key] = event.target.value;
				later();
			}
		}});
	box.value = unlocked ? wish.unlocked[key] : printable(value ?? "", 40);
	return h("div", {class: "locked", "data-for": none ? "tokens" : null},
		h("label", {for: id}, label, " ", badge(source)), box,
		name ? h("button", {type: "button", class: "button icon-button", id: `lock-${key}`, "aria-pressed": String(unlocked),
			title: unlocked ? "Back to the file's value" : "Unlock", "aria-label": `${label}: use another value`,
			onclick: () => {
				if (unlocked)
					delete wish.unlocked[key];
				else
					wish.unlocked[key] = String(value ?? "");
				drawForm();
				later();
			}}, icon(unlocked ? "unlock" : "lock")) : h("span", {}));
}

function picker(candidates) {
	const box = h("select", {id: "memory-model", onchange: (event) => {
		location.hash = `#memory/${encodeURIComponent(event.target.value)}`;
	}}, candidates.map((m) => h("option", {value: m.id}, printable(titleOf(m), 70))));
	box.value = model.id;
	return h("div", {class: "field"}, h("label", {for: "memory-model"}, "Model"), box,
		model.status === "baked" ? null : h("span", {class: "hint"}, `This model is ${printable(model.status, 30)}.`));
}

function offload() {
	return h("div", {class: "choice"}, h("input", {type: "checkbox", id: "memory-offload", checked: wish.offload,
		onchange: (event) => set("offload", event.target.checked)}),
	h("label", {for: "memory-offload"}, "One component at a time on the GPU"));
}

function advanced() {
	return h("details", {open: wish.open, ontoggle: (event) => { wish.open = event.target.open; }},
		h("summary", {}, "More"), h("div", {},
			h("div", {class: "pair"},
				number("memory-batch", "Tokens a step", "batch", {placeholder: "default"}),
				select("memory-flash", "Flash attention", [["auto", "auto"], ["on", "on"], ["off", "off"]], "flash")),
			h("div", {"data-for": "vllm"}, number("memory-share", "GPU memory utilization", "share",
				{min: 0.05, max: 1, step: 0.01, inputmode: "decimal"}))));
}

function tokens() {
	return [
		h("div", {class: "pair", "data-for": "tokens"},
			number("memory-context", "Context", "context", {from: wish.contextFrom, placeholder: "default", hint: " "}),
			number("memory-parallel", "Batch", "parallel", {hint: "sequences at once"})),
		h("div", {"data-for": "tokens"}, select("memory-kv", "KV cache type", [["", ""], ...cacheTypes], "kv_dtype")),
	];
}

function engineHint() {
	if (wish.profile)
		return "A calculator's profile is for no engine.";
	return wish.engine === "auto" && engineOf() ? `For this model: ${engineName(engineOf())}` : "";
}

function drawForm() {
	const candidates = known.models.filter((m) => m.architecture && typeof m.architecture === "object");
	if (!model) {
		fill(byId("memory-form"), h("p", {class: "muted"}, known.index
			? "No model of the index says what it is made of." : "Loading …"));
		return;
	}
	const rows = facts.map(factRow).filter(Boolean);
	fill(byId("memory-form"),
		picker(candidates),
		select("memory-engine", "Engine", engines, "engine", " "),
		select("memory-gpu", "GPU", [["", "not compared"], ...gpus, ["other", "another size"]], "gpu"),
		wish.gpu === "other" ? number("memory-gpu-other", "GPU memory in GiB", "gpuOther", {min: 0.1, step: "any", inputmode: "decimal"}) : null,
		h("div", {"data-for": "pipeline"}, offload()), tokens(),
		select("memory-profile", "Profile", profiles, "profile"),
		wish.profile ? null : h("div", {"data-for": "tokens"}, advanced()),
		rows.length ? h("fieldset", {"data-for": rows.every((row) => row.dataset.for) ? "tokens" : null}, h("legend", {}, "Architecture"),
			h("p", {class: "hint"}, "From the model's files. Unlock a value to try another."), rows) : null);
	fitForm();
}

// What the form owes to an answer. No field is made anew: somebody may be typing in it. What a pipeline
// has no use for is not asked.
function fitForm() {
	const shown = {tokens: !pipeline(), pipeline: pipeline(), vllm: engineOf() === "vllm"};
	for (const part of byId("memory-form").querySelectorAll("[data-for]"))
		part.hidden = !shown[part.dataset.for];
	byId("memory-engine").disabled = wish.profile !== "";
	byId("memory-engine-hint").textContent = engineHint();
	byId("memory-engine-hint").hidden = engineHint() === "";
	byId("memory-context-hint").textContent = contextHint();
	byId("memory-kv").options[0].textContent = cacheText();
}

// The result.

const verdicts = {fits: ["Fits", "check"], "may-fit": ["May fit", "warn"], "does-not-fit": ["Does not fit", "cross"]};

// The calculator's figures as parts, for the same picture.
function partsOf(main) {
	if (Array.isArray(main.parts)) {
		return main.parts.map((part) => ({name: printable(part.name, 60), host: part.place === "host", known: part.known === true,
			min: safeNumber(part.min_bytes), max: safeNumber(part.max_bytes), because: printable(part.because ?? "")}));
	}
	const figures = [["weights", main.weights_gib], ["kv cache", main.kv_gib], ["overhead", main.overhead_gib],
		["vision", main.vision_gib]].map(([name, value]) => [name, safeNumber(value)]);
	const sum = figures.reduce((all, [, value]) => all + value, 0);
	figures.push(["fragmentation", safeNumber(main.total_gib) - sum]);
	return figures.map(([name, value]) => ({name, host: false, known: true, min: value * gib, max: value * gib,
		because: name === "fragmentation" ? `factor ${main.frag_factor}` : name === "weights" ? printable(main.inputs?.weights_from ?? "") : ""}));
}

function summary(main) {
	if (!Array.isArray(main.parts)) {
		const total = safeNumber(main.total_gib) * gib;
		const gpu = gpuBytes();
		return {min: total, max: total, complete: true, budget: gpu,
			verdict: gpu ? (total <= gpu ? "fits" : "does-not-fit") : undefined};
	}
	return {min: safeNumber(main.min_bytes), max: safeNumber(main.max_bytes), complete: main.complete === true,
		budget: safeNumber(main.budget_bytes), verdict: main.verdict};
}

function verdictLine(main, sum) {
	const [head, mark] = verdicts[sum.verdict] ?? ["Needs", "layers"];
	const needed = `${sum.complete ? "" : "at least "}${memoryRange(sum.min, sum.max)}`;
	let text = "";
	if (sum.verdict === "fits")
		text = `${memory(sum.budget - sum.max)} to spare of ${memory(sum.budget)}`;
	else if (sum.verdict === "does-not-fit")
		text = `${memory(sum.min - sum.budget)} more than the ${memory(sum.budget)} there are`;
	else if (sum.verdict === "may-fit")
		text = sum.max <= sum.budget ? `if what is unknown takes no more than ${memory(sum.budget - sum.max)} of ${memory(sum.budget)}`
			: `by the least figures, not by the most, into ${memory(sum.budget)}`;
	return h("div", {class: `verdict ${verdicts[sum.verdict] ? sum.verdict : ""}`, role: "status"},
		h("span", {class: "verdict-mark"}, icon(mark)),
		h("div", {}, h("p", {class: "verdict-head", id: "verdict"}, `${head}: ${needed}`),
			h("p", {class: "muted"}, text || "No GPU is compared.", main.hint ? ` ${printable(main.hint, 200)}.` : "")));
}

function exact(min, max) {
	if (max < 1024)
		return null;
	return h("span", {class: "exact"}, min === max ? `${count(Math.round(max))} bytes`
		: `${count(Math.round(min))} – ${count(Math.round(max))} bytes`);
}

function partsTable(parts, shades, sum) {
	return h("table", {class: "parts", id: "parts", "aria-label": "Parts of the estimate"},
		h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "Part"), h("th", {scope: "col", class: "right"}, "Memory"),
			h("th", {scope: "col"}, "Because"))),
		h("tbody", {}, parts.map((part, at) => h("tr", {"data-part": part.name, "data-min": part.min, "data-max": part.max},
			h("th", {scope: "row"}, h("span", {class: `swatch ${part.host ? "f-free" : shades[at]}`}), part.name,
				part.host ? h("span", {class: "sub"}, "in the machine's memory") : null),
			h("td", {class: "right num"}, part.known ? [memoryRange(part.min, part.max), exact(part.min, part.max)] : "unknown"),
			h("td", {class: "why"}, part.because)))),
		h("tfoot", {}, h("tr", {"data-part": "total", "data-min": sum.min, "data-max": sum.max},
			h("th", {scope: "row"}, sum.complete ? "On the GPU" : "On the GPU, at least"),
			h("td", {class: "right num"}, memoryRange(sum.min, sum.max), exact(sum.min, sum.max)), h("td", {}))));
}

function fitOf(fit) {
	return fit?.solve ? fit.solve : fit && "context_tokens" in fit ? {sure: safeNumber(fit.context_tokens)} : null;
}

function useContext(value) {
	return h("button", {type: "button", class: "button small", id: "use-fit", onclick: () => {
		wish.context = String(value);
		wish.contextFrom = "manual";
		drawForm();
		later();
	}}, "Use it");
}

function curvePanel({main, fit, points}, sum) {
	const solved = fitOf(fit);
	const best = solved ? safeNumber(solved.sure) || safeNumber(solved.perhaps) : 0;
	if (!points.length && !solved)
		return null;
	const data = {points, budget: sum.budget, fit: best, now: contextOf(main)};
	const text = !solved ? "" : !best ? "Not even one token fits." : [
		`Largest context that fits: ${count(best)} tokens`,
		!sum.complete ? " at the most, as something is unknown" : "",
		safeNumber(solved.perhaps) > best ? `, ${count(solved.perhaps)} by the least figures` : "",
		solved.limit && best === solved.limit ? ", all that the model was made for" : "", "."].join("");
	return h("section", {class: "panel stack", "aria-labelledby": "curve-title"},
		h("h2", {id: "curve-title"}, "Memory over context"),
		text ? h("div", {class: "actions"}, h("p", {id: "fit"}, text),
			best && String(best) !== wish.context ? useContext(best) : null) : null,
		points.length > 1 ? [responsive((width) => curve(data, width)),
			h("details", {open: wish.table, ontoggle: (event) => { wish.table = event.target.open; }},
				h("summary", {}, "As a table"), curveTable(data))] : null);
}

function notes(main) {
	const assumptions = (main.assumptions ?? []).slice(0, 40);
	const warnings = (main.warnings ?? []).slice(0, 64);
	if (!assumptions.length && !warnings.length)
		return null;
	return h("section", {class: "panel stack", "aria-labelledby": "notes-title"},
		h("h2", {id: "notes-title"}, "Assumptions and warnings"), h("ul", {class: "bullets"},
			warnings.map((text) => h("li", {class: "warn"}, h("bdi", {}, printable(text)))),
			assumptions.map((text) => h("li", {}, h("bdi", {}, printable(text))))));
}

function pages(main) {
	if (!main.pool_max_tokens)
		return null;
	return h("p", {class: "hint"}, `What is left is pages: ${memory(safeNumber(main.pool_max_bytes))} for ${count(main.pool_max_tokens)} `
		+ `tokens at the most, ${main.concurrency_max} sequences of the whole context.`);
}

function appliedWish(main, sum) {
	const parallel = Math.max(1, Number(main.sequences ?? wish.parallel) || 1);
	const context = contextOf(main);
	const each = main.engine === "llama.cpp" ? Math.max(1, Math.floor(context / parallel)) : context;
	return {context: each, parallel, share: wish.share || "0.9", fits: sum.verdict !== "does-not-fit"};
}

function drawResult() {
	const box = byId("memory-result");
	box.setAttribute("aria-busy", "false");
	if (!model || !answers) {
		fill(box);
		return;
	}
	if (answers.error) {
		fill(box, h("div", {class: "note bad", role: "alert"}, icon("cross"), h("div", {}, h("bdi", {}, printable(answers.error.message, 400)),
			answers.error.body?.hint ? h("div", {}, printable(answers.error.body.hint, 300)) : null)));
		return;
	}
	const {main} = answers;
	const parts = partsOf(main);
	const shades = shadesOf(parts);
	const sum = summary(main);
	const onGpu = parts.map((part, at) => ({part, shade: shades[at]})).filter(({part}) => !part.host);
	const label = `${verdicts[sum.verdict]?.[0] ?? "Needs"}: ${memoryRange(sum.min, sum.max)}. `
		+ onGpu.map(({part}) => `${part.name} ${part.known ? memoryRange(part.min, part.max) : "unknown"}`).join(", ");
	const bar = {parts: onGpu.map(({part}) => part), shades: onGpu.map(({shade}) => shade), max: sum.max,
		gpu: gpuBytes(), budget: sum.budget, label};
	const engine = main.engine ?? "vllm";
	fill(box,
		h("section", {class: "panel", "aria-label": "Estimate"}, verdictLine(main, sum),
			h("div", {class: "stack"}, responsive((width) => stackedBar(bar, width)), onGpu.some(({part}) => part.max > part.min)
				? h("p", {class: "hint"}, "Hatched: what may come on top of the least.") : null,
			pages(main), partsTable(parts, shades, sum))),
		curvePanel(answers, sum), notes(main),
		engine === "diffusers" ? null : h("div", {class: "two"}, applyPanel(model, engine, appliedWish(main, sum)), runtimePanel(model)));
}

let drawn = ""; // the records that the form was made from

function choose(id) {
	const candidates = known.models.filter((m) => m.architecture && typeof m.architecture === "object");
	const next = candidates.find((m) => m.id === id) ?? (model && modelById(model.id))
		?? candidates.find((m) => safeNumber(m.architecture.context_length)) ?? candidates[0] ?? null;
	const records = JSON.stringify([next, candidates.map((m) => [m.id, m.title]), known.index !== null]);
	if (next?.id !== model?.id)
		reset(next);
	else if (wish.contextFrom !== "manual")
		prefill(next);
	model = next;
	if (drawn !== records)
		drawForm();
	drawn = records;
	drawResult();
	if (model)
		later();
}

let shown = false;

export function show(id) {
	shown = true;
	choose(id);
}

export function start() {
	on("index", () => {
		cache.clear();
		if (shown)
			choose(model?.id);
	});
	onToken(drawResult);
}
