// SPDX-License-Identifier: Apache-2.0
// Writing an estimate's numbers into how an engine runs the model, and what was measured there.
import {hasToken, post} from "./api.js";
import {announce, copyButton, fill, h, icon} from "./dom.js";
import {count, printable} from "./format.js";
import {can, load} from "./state.js";

const guidance = {
	"vllm": "--max-model-len is the most tokens of one request, prompt and answer together. --max-num-seqs is how many run at the same time; it reserves nothing.",
	"ollama": "num_ctx is the context of one request; Ollama multiplies it by OLLAMA_NUM_PARALLEL, which is its server's setting. In a Modelfile: PARAMETER num_ctx N.",
	"llama.cpp": "-c is shared by all slots: each gets -c divided by -np.",
};

// As bake-index apply writes it: "0.9", "1.0".
function shareText(share) {
	const text = (Math.round(share * 1000) / 1000).toString();
	return text.includes(".") ? text : `${text}.0`;
}

// The flags of an engine, for what was estimated. Context is of each sequence; llama.cpp's -c is
// that of all sequences that are set with it.
export function flagsOf(engine, wish) {
	const share = Number(wish.share);
	if (engine === "vllm")
		return [
			{key: "context", names: ["--max-model-len"], value: String(wish.context)},
			{key: "parallel", names: ["--max-num-seqs"], value: String(wish.parallel)},
			{key: "gpu_memory_utilization", names: ["--gpu-memory-utilization"],
				value: shareText(share)},
		];
	if (engine === "ollama")
		return [{key: "context", names: ["--num-ctx"], value: String(wish.context)}];
	return [
		{key: "context", names: ["-c", "--ctx-size"], value: String(wish.context), all: wish.parallel},
		{key: "parallel", names: ["-np", "--parallel"], value: String(wish.parallel)},
	];
}

// What is ticked, with the values that are written.
export function chosen(engine, wish, ticked) {
	const flags = flagsOf(engine, wish).filter(({key}) => ticked.has(key));
	const withParallel = ticked.has("parallel");
	return flags.map((flag) => flag.all
		? {...flag, value: String(wish.context * (withParallel ? flag.all : 1))} : flag);
}

// Whether word is that flag, and whether its value is joined to it. In long flags "_" is "-".
function flagIn(word, name) {
	const long = name.startsWith("--");
	const same = (text) => (long ? text.replaceAll("_", "-") : text) === name;
	if (same(word))
		return {joined: false};
	const at = long ? word.indexOf("=") : -1;
	return at > 0 && same(word.slice(0, at)) ? {joined: true} : null;
}

function findFlag(word, flags) {
	for (const flag of flags) {
		for (const name of flag.names) {
			const found = typeof word === "string" ? flagIn(word, name) : null;
			if (found)
				return {flag, name, ...found};
		}
	}
	return null;
}

const isValue = (word) => word !== undefined && (typeof word !== "string" || !/^-(?![0-9.])/.test(word));

// As bake-index apply does it: a flag gets its value where it stands first, in the form it has there;
// its doubles go, a new one comes last, and all else stays.
export function change(words, flags) {
	const after = [];
	const done = new Set();
	for (let i = 0; i < words.length; i++) {
		const found = findFlag(words[i], flags);
		if (!found) {
			after.push(words[i]);
			continue;
		}
		if (!done.has(found.flag))
			after.push(...found.joined ? [`${found.name}=${found.flag.value}`] : [found.name, found.flag.value]);
		done.add(found.flag);
		if (!found.joined && isValue(words[i + 1]))
			i++;
	}
	for (const flag of flags) {
		if (!done.has(flag))
			after.push(flag.names[0], flag.value);
	}
	return after;
}

// Words as lines: a value stands behind its flag.
export function linesOf(words) {
	const lines = [];
	for (const word of words) {
		const text = typeof word === "string" ? word : JSON.stringify(word);
		const last = lines.at(-1);
		if (last !== undefined && !text.startsWith("-") && last.startsWith("-") && !last.includes(" "))
			lines[lines.length - 1] = `${last} ${text}`;
		else
			lines.push(text);
	}
	return lines;
}

function diff(before, after) {
	const gone = before.filter((text) => !after.includes(text));
	const lines = [...gone.map((text) => ["minus", "−", text]),
		...after.map((text) => (before.includes(text) ? ["same", " ", text] : ["plus", "+", text]))];
	return h("ul", {class: "diff", id: "apply-diff", "aria-label": "Change of the arguments"}, lines.length
		? lines.map(([kind, mark, text]) => h("li", {class: kind},
			h("span", {class: "visually-hidden"}, {minus: "removed: ", plus: "added: ", same: "stays: "}[kind]),
			h("span", {"aria-hidden": "true"}, `${mark} `), h("bdi", {}, printable(text, 200))))
		: h("li", {class: "none"}, "Choose a flag to see the change."));
}

// What was chosen while the page is open, and what is drawn now: an answer may come after the panel
// was made anew.
const choice = {model: "", target: "", own: false, ticked: new Set(), said: null};
let current = null; // {panel, model, engine, wish}

// model, the engine that was estimated for, and {context, parallel, share} with the context of
// each sequence.
export function applyPanel(model, engine, wish) {
	if (choice.model !== model.id)
		Object.assign(choice, {model: model.id, own: false, target: "", ticked: new Set(), said: null});
	if (!choice.own && choice.target !== engine)
		choose(guidance[engine] ? engine : "vllm");
	current = {panel: h("section", {class: "panel stack", "aria-labelledby": "apply-title"}), model, engine, wish};
	drawApply();
	return current.panel;
}

function choose(target) {
	Object.assign(choice, {target, ticked: new Set(), said: null});
}

function targets() {
	return h("fieldset", {}, h("legend", {class: "label"}, "Write for"), h("div", {class: "inline-row"},
		[["vllm", "vLLM"], ["ollama", "Ollama"], ["llama.cpp", "llama.cpp"]].map(([value, name]) =>
			h("span", {class: "choice"},
				h("input", {type: "radio", name: "apply-target", id: `apply-${value}`, value,
					checked: choice.target === value, onchange: () => {
						choice.own = true;
						choose(value);
						drawApply();
					}}),
				h("label", {for: `apply-${value}`}, name)))));
}

function ticks(wish) {
	return h("fieldset", {}, h("legend", {class: "visually-hidden"}, "Flags to set"), h("div", {class: "flags"},
		flagsOf(choice.target, wish).map((flag) => h("div", {class: "choice"},
			h("input", {type: "checkbox", id: `flag-${flag.key}`, checked: choice.ticked.has(flag.key),
				onchange: (event) => {
					choice.ticked[event.target.checked ? "add" : "delete"](flag.key);
					choice.said = null;
					drawApply();
				}}),
			h("label", {for: `flag-${flag.key}`}, h("code", {}, `${flag.names[0]} ${flag.value}`))))));
}

function body(flags, wish) {
	const asked = {engine: choice.target};
	for (const {key} of flags)
		asked[key] = key === "context" ? wish.context : key === "parallel" ? wish.parallel
			: Math.round(Number(wish.share) * 1000) / 1000;
	return asked;
}

async function write(flags, after) {
	const {model, wish} = current;
	if (choice.said?.busy)
		return;
	choice.said = {busy: true};
	drawApply();
	try {
		const answer = await post(`apply/${encodeURIComponent(model.id)}`, body(flags, wish));
		const same = JSON.stringify(answer.after) === JSON.stringify(after);
		choice.said = same ? {good: answer.changed === false ? "They were like that already." : "Written."}
			: {bad: `The server wrote something else: ${printable(JSON.stringify(answer.after))}`};
		await load();
	} catch (error) {
		choice.said = {bad: error.message, hint: error.body?.hint};
	}
	announce(choice.said.good ?? choice.said.bad);
	drawApply();
}

function drawApply() {
	const {panel, model, engine, wish} = current;
	const words = model.overrides?.[choice.target]?.extra_args;
	const now = Array.isArray(words) ? words : [];
	const flags = chosen(choice.target, wish, choice.ticked);
	const before = linesOf(now);
	const after = linesOf(change(now, flags));
	const text = after.join(" ");
	const {said} = choice;
	fill(panel, h("h2", {id: "apply-title"}, "Apply to model settings"), targets(),
		h("p", {class: "hint"}, guidance[choice.target],
			choice.target === engine ? "" : ` These numbers were estimated for ${engine}.`),
		wish.fits ? null : h("p", {class: "note warn"}, icon("warn"), "By the estimate above this does not fit the GPU."),
		ticks(wish), diff(before, after),
		h("div", {class: "actions"},
			hasToken() ? h("button", {type: "button", class: "button primary", id: "apply-write",
				disabled: !flags.length, "aria-disabled": said?.busy ? "true" : null,
				onclick: () => void write(flags, after)}, "Write the change") : null,
			text ? copyButton(text, "arguments") : null,
			hasToken() ? null : h("span", {class: "hint"}, can("apply") ? "Unlock actions to write it from here."
				: "This server was started without an administrator's token: bake-index apply writes it.")),
		said?.good ? h("p", {class: "note good"}, icon("check"), said.good) : null,
		said?.bad ? h("p", {class: "note bad"}, icon("cross"), h("div", {}, h("bdi", {}, printable(said.bad, 400)),
			said.hint ? h("div", {}, printable(said.hint, 200)) : null)) : null);
}

// Measured beside configured.

const measured = {
	runtime_context_tokens: "Context", runtime_max_batch_size: "Sequences", configured_max_model_len: "--max-model-len",
	configured_max_num_seqs: "--max-num-seqs", configured_gpu_memory_utilization: "--gpu-memory-utilization",
	configured_tensor_parallel_size: "--tensor-parallel-size", configured_kv_cache_dtype: "--kv-cache-dtype",
	kv_cache_dtype: "Cache type",
};

function valueText(value) {
	if (typeof value === "number")
		return Number.isInteger(value) ? count(value) : String(value);
	return printable(typeof value === "object" ? JSON.stringify(value) : value, 200);
}

function runtimeTable(model) {
	const runtime = model.architecture?.runtime;
	if (!runtime || typeof runtime !== "object")
		return h("p", {class: "muted"}, "Nothing was measured yet: after the server's first load, reconcile reads its log.");
	const config = {runtime_context_tokens: model.architecture.context_length,
		kv_cache_dtype: model.memory?.kv_dtype, configured_kv_cache_dtype: model.memory?.kv_dtype};
	const rows = Object.entries(measured).filter(([key]) => runtime[key] !== undefined && runtime[key] !== null);
	const gpu = runtime.gpu_memory_gib;
	return [
		h("table", {class: "parts", "aria-label": "Measured beside configured"},
			h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "What"), h("th", {scope: "col", class: "right"}, "Config"),
				h("th", {scope: "col", class: "right"}, "Runtime log"))),
			h("tbody", {}, rows.map(([key, name]) => h("tr", {}, h("th", {scope: "row"}, name),
				h("td", {class: "right num"}, config[key] === undefined ? "–" : valueText(config[key])),
				h("td", {class: "right num"}, valueText(runtime[key])))),
			gpu && typeof gpu === "object" ? h("tr", {}, h("th", {scope: "row"}, "GPU memory"),
				h("td", {class: "right"}, "–"),
				h("td", {class: "right num"}, `${valueText(gpu.used)} of ${valueText(gpu.total)} GiB`)) : null)),
		runtime.observed_at ? h("p", {class: "hint"}, `Observed ${printable(runtime.observed_at, 40)}, from ${printable(runtime.source ?? "the log", 60)}.`) : null,
	];
}

let reconciled = ""; // what came of it
let measuredNow = null; // {panel, model} that is drawn

async function reconcile() {
	try {
		const answer = await post("reconcile", {});
		const bad = answer.bad_lines ? `, ${answer.bad_lines} lines could not be read` : "";
		reconciled = (answer.changed === false ? "Nothing new in the log" : "Reconciled") + `${bad}.`;
		await load();
	} catch (error) {
		reconciled = error.message;
	}
	announce(reconciled);
	drawRuntime();
}

function drawRuntime() {
	const {panel, model} = measuredNow;
	fill(panel, h("h2", {id: "runtime-title"}, "Measured when it ran"), runtimeTable(model),
		h("div", {class: "actions"},
			!can("reconcile") ? h("span", {class: "hint"}, "Start bake-serve with --metrics FILE to reconcile from here, or run bake-index reconcile.")
				: hasToken() ? h("button", {type: "button", class: "button", id: "reconcile",
					onclick: () => void reconcile()}, "Reconcile with the log")
					: h("span", {class: "hint"}, "Unlock actions to reconcile with the log."),
			reconciled ? h("span", {class: "hint"}, printable(reconciled, 300)) : null));
}

export function runtimePanel(model) {
	measuredNow = {panel: h("section", {class: "panel stack", "aria-labelledby": "runtime-title"}), model};
	drawRuntime();
	return measuredNow.panel;
}
