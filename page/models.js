// SPDX-License-Identifier: Apache-2.0
// The table of models: found, filtered, sorted; details on demand; downloads as they go.
import {hasToken, post} from "./api.js";
import {announce, byId, copyButton, fill, h, icon} from "./dom.js";
import {count, disk, duration, percent, plural, printable, safeNumber} from "./format.js";
import {can, known, on, statusOf, titleOf} from "./state.js";

const icons = {baked: "check", fallback: "layers", missing: "minus", fetching: "down", failed: "cross"};
const words = ["fetching", "failed", "missing", "fallback", "baked"]; // what needs an eye comes first
const labels = {all: "All", baked: "Baked", fallback: "Fallback", fetching: "Fetching",
	missing: "Missing", failed: "Failed"};

const view = {text: "", role: "", format: "", status: "all", sort: "title", descending: false};
const open = new Set(); // ids whose details are shown
const cells = new Map(); // id -> the status cell that is on the page

const columns = [
	{key: "title", label: "Model", of: (m) => titleOf(m).toLowerCase()},
	{key: "role", label: "Role", of: (m) => m.role ?? ""},
	{key: "format", label: "Format", of: (m) => `${m.format ?? ""} ${m.quantization ?? ""}`},
	{key: "size", label: "Size", of: (m) => safeNumber(m.bytes), right: true},
	{key: "status", label: "Status", of: (m) => words.indexOf(statusOf(m).word)},
];

const formats = {gguf: "GGUF", safetensors: "safetensors", pytorch: "PyTorch", diffusers: "diffusers"};

function formatName(format) {
	return formats[format] ?? printable(format ?? "–", 40);
}

function sourceText(model) {
	const source = model.source ?? {};
	return source.hub ?? source.repo ?? source.url ?? source.file ?? "";
}

function haystack(model) {
	return [model.id, model.title, model.description, model.role, model.category, model.group,
		model.format, model.quantization, model.license, sourceText(model), ...(model.tags ?? [])]
		.filter((text) => typeof text === "string").join("\n").toLowerCase();
}

function wanted(model, withStatus = true) {
	const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
	if (view.role && (model.role ?? "") !== view.role)
		return false;
	if (view.format && (model.format ?? "") !== view.format)
		return false;
	if (withStatus && view.status !== "all" && statusOf(model).word !== view.status)
		return false;
	const text = words.length ? haystack(model) : "";
	return words.every((word) => text.includes(word));
}

function sorted(models) {
	const column = columns.find(({key}) => key === view.sort);
	const direction = view.descending ? -1 : 1;
	const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
	return [...models].sort((a, b) => direction * compare(column.of(a), column.of(b))
		|| compare(a.id, b.id));
}

// The summary above.

function figure(label, value, more, bad) {
	return h("div", {}, h("div", {class: "figure-label"}, label),
		h("div", {class: bad ? "figure-value bad" : "figure-value"}, value,
			more ? h("small", {}, ` ${more}`) : null));
}

function drawSummary() {
	const there = known.models.filter((m) => ["baked", "fallback"].includes(statusOf(m).word));
	const bytes = there.reduce((sum, m) => sum + safeNumber(m.bytes), 0);
	const files = there.reduce((sum, m) => sum + (m.files?.length ?? 0), 0);
	const lacking = known.models.filter((m) => m.required
		&& ["missing", "failed"].includes(statusOf(m).word)).length;
	fill(byId("summary"),
		figure("Usable", count(there.length), `of ${plural(known.models.length, "model")}`),
		figure("On disk", disk(bytes), `in ${plural(files, "file")}`),
		figure("Required and missing", count(lacking), "", lacking > 0),
		known.index?.model_name ? figure("Serves", h("bdi", {}, printable(known.index.model_name, 60)),
			known.index.model_version ? printable(known.index.model_version, 40) : "") : null);
}

// Filters.

function drawSelect(id, name, values, current) {
	const select = byId(id);
	fill(select, h("option", {value: ""}, `All ${name}`),
		[...values].sort().map((value) => h("option", {value}, name === "formats" ? formatName(value) : printable(value, 40))));
	select.value = values.has(current) ? current : "";
	return select.value;
}

function valuesOf(key) {
	return new Set(known.models.map((m) => m[key]).filter((v) => typeof v === "string" && v));
}

function drawStatusFilter() {
	const some = known.models.filter((m) => wanted(m, false));
	const counts = {all: some.length};
	for (const model of some) {
		const {word} = statusOf(model);
		counts[word] = (counts[word] ?? 0) + 1;
	}
	fill(byId("filter-status"), Object.keys(labels)
		.filter((word) => word === "all" || word === view.status || counts[word])
		.map((word) => h("div", {class: "segment"},
			h("input", {type: "radio", name: "status", id: `status-${word}`, value: word,
				onchange: () => { view.status = word; draw(); }}),
			h("label", {for: `status-${word}`}, labels[word], h("span", {}, count(counts[word] ?? 0))))));
	byId(`status-${view.status}`).checked = true;
}

// A row.

function meter(live, label) {
	const bar = h("span", {});
	const part = live.total ? live.bytes / live.total : live.progress;
	bar.style.inlineSize = `${Math.min(100, part * 100)}%`;
	return h("div", {class: "meter", role: "progressbar", "aria-label": label, "aria-valuemin": 0,
		"aria-valuemax": 100, "aria-valuenow": Math.floor(part * 100)}, bar);
}

function rateText(live) {
	const texts = [percent(live.total ? live.bytes / live.total : live.progress)];
	if (live.state === "queued")
		return "waiting";
	if (live.state === "verifying")
		texts.push("verifying");
	if (live.rate)
		texts.push(`${disk(live.rate)}/s`);
	if (live.eta !== null && live.state === "downloading")
		texts.push(`${duration(live.eta)} left`);
	return texts.join(" · ");
}

function statusContent(model) {
	const status = statusOf(model);
	const required = model.required && status.word === "missing" ? " required" : "";
	return [
		h("span", {class: `status ${status.word}${required}`}, icon(icons[status.word]),
			status.live ? printable(status.live.state, 30) : status.word),
		required ? h("span", {class: "sub"}, "required") : null,
		status.live ? [
			meter(status.live, `Download of ${printable(titleOf(model), 60)}`),
			h("span", {class: "sub num"}, rateText(status.live)),
			h("span", {class: "sub num"}, printable(status.live.sizeText
				?? `${disk(status.live.bytes)} / ${disk(status.live.total)}`, 60)),
		] : null,
		status.message && !status.live
			? h("div", {class: "status-message"}, h("bdi", {}, printable(status.message, 400))) : null,
		status.hint && !status.live
			? h("div", {class: "status-message"}, h("bdi", {}, printable(status.hint, 200))) : null,
	];
}

function tags(model) {
	const list = [
		model.default ? h("span", {class: "tag accent"}, "default") : null,
		model.required ? null : h("span", {class: "tag"}, "optional"),
		model.executable_code ? h("span", {class: "tag warn"}, "contains code") : null,
		model.gated ? h("span", {class: "tag"}, "gated") : null,
	].filter(Boolean);
	return list.length ? h("span", {class: "tags"}, list) : null;
}

function toggle(model) {
	if (open.has(model.id))
		open.delete(model.id);
	else
		open.add(model.id);
	drawTable();
}

function row(model, at) {
	const shown = open.has(model.id);
	const status = h("td", {class: "c-status", role: "cell"}, statusContent(model));
	cells.set(model.id, status);
	return h("tr", {class: "row", role: "row", "data-model": model.id},
		h("th", {class: "c-title", scope: "row", role: "rowheader"}, h("div", {class: "titled"},
			h("button", {type: "button", class: "expand", id: `expand-${at}`,
				"aria-expanded": String(shown), "aria-controls": shown ? `detail-${at}` : null,
				"aria-label": `Details of ${printable(titleOf(model), 60)}`,
				onclick: () => toggle(model)}, icon("chevron")),
			h("div", {class: "clip-box"},
				h("bdi", {class: "model-title"}, printable(titleOf(model))),
				h("bdi", {class: "model-id"}, printable(model.id, 120)), tags(model)))),
		h("td", {class: "c-role", role: "cell"}, h("bdi", {class: "clip"}, printable(model.role ?? "–", 40)),
			model.category && model.category !== model.role
				? h("bdi", {class: "sub clip"}, printable(model.category, 40)) : null),
		h("td", {class: "c-format", role: "cell"}, h("bdi", {class: "clip"}, formatName(model.format)),
			model.quantization ? h("bdi", {class: "sub clip"}, printable(model.quantization, 40)) : null),
		h("td", {class: "c-size right num", role: "cell"}, model.bytes === undefined ? "–" : disk(safeNumber(model.bytes))),
		status);
}

// Details.

function fact(name, value) {
	if (value === undefined || value === null || value === "" || value === false)
		return null;
	return [h("dt", {}, name), h("dd", {}, typeof value === "object" ? value
		: h("bdi", {}, printable(value)))];
}

function hash(value, what) {
	const text = printable(value, 130);
	return h("span", {class: "hash"}, h("code", {}, text), copyButton(text, what));
}

// Only what the source says, and only https becomes a link.
function sourceFacts(source = {}) {
	const hub = source.hub ?? source.repo;
	const url = typeof source.url === "string" && source.url.startsWith("https://")
		? h("a", {href: source.url, rel: "noreferrer noopener"}, printable(source.url)) : source.url;
	return [fact("Repository", hub), fact("URL", url), fact("File", source.file),
		fact("Path there", source.path), fact("Revision", source.revision),
		fact("Commit", source.commit ? hash(source.commit, "commit") : null)];
}

const architectureFacts = {
	model_type: "Family", num_layers: "Layers", hidden_size: "Hidden size",
	num_attention_heads: "Attention heads", num_kv_heads: "Key/value heads", head_dim: "Head size",
	context_length: "Context length", vocab_size: "Vocabulary", weight_precision: "Weights",
};

function architecture(model) {
	const record = model.architecture;
	if (!record || typeof record !== "object")
		return null;
	const list = Object.entries(architectureFacts)
		.map(([key, name]) => fact(name, typeof record[key] === "number" ? count(record[key]) : record[key]));
	if (list.every((entry) => entry === null))
		return null;
	const warnings = (record.warnings ?? []).slice(0, 20);
	return h("div", {}, h("h2", {}, "Architecture"), h("dl", {class: "facts"}, list),
		warnings.length ? h("ul", {class: "bullets"},
			warnings.map((text) => h("li", {class: "warn"}, h("bdi", {}, printable(text))))) : null);
}

function fileTable(model) {
	const files = (model.files ?? []).slice(0, 2000);
	if (!files.length)
		return null;
	return h("div", {class: "files", tabindex: 0, role: "region",
		"aria-label": `Files of ${printable(titleOf(model), 60)}`}, h("table", {class: "file-table"},
		h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "File"),
			h("th", {scope: "col", class: "right"}, "Size"), h("th", {scope: "col"}, "SHA-256"))),
		h("tbody", {}, files.map((file) => h("tr", {},
			h("td", {}, h("bdi", {}, printable(file.path))),
			h("td", {class: "right num"}, disk(safeNumber(file.size))),
			h("td", {}, h("code", {class: "muted"}, printable(file.sha256 ?? "not known", 64))))))));
}

const refusals = new Map(); // id -> why the server would not do what was last asked for

// A button that is disabled loses the focus: this one only looks like it.
async function act(button, model, path, done) {
	if (button.ariaDisabled === "true")
		return;
	button.ariaDisabled = "true";
	refusals.delete(model.id);
	try {
		await post(`${path}/${encodeURIComponent(model.id)}`);
		announce(done);
	} catch (error) {
		refusals.set(model.id, error.message);
		announce(error.message);
	}
	drawTable();
}

function action(model, label, path, done) {
	const button = h("button", {type: "button", class: "button", onclick: () =>
		void act(button, model, path, done)}, label);
	return button;
}

function actions(model) {
	const {word} = statusOf(model);
	const list = [];
	if (model.architecture)
		list.push(h("a", {class: "button", href: `#memory/${encodeURIComponent(model.id)}`}, "Estimate memory"));
	const may = can("fetch") && hasToken();
	if (may && (word === "missing" || word === "failed"))
		list.push(action(model, "Fetch into the fallback directory", "fetch", "Fetching"));
	if (may && word === "fetching")
		list.push(action(model, "Cancel the download", "cancel", "Cancelled"));
	if (can("fetch") && !hasToken() && (word === "missing" || word === "failed"))
		list.push(h("span", {class: "hint"}, "Unlock actions to fetch it from here."));
	if (refusals.has(model.id))
		list.push(h("span", {class: "status failed"}, icon("cross"), printable(refusals.get(model.id), 300)));
	return list.length ? h("div", {class: "actions"}, list) : null;
}

function detail(model, at) {
	return h("tr", {class: "detail", role: "row", id: `detail-${at}`, "data-model": model.id},
		h("td", {colspan: 5, role: "cell"}, h("div", {class: "detail-box"},
			model.description ? h("p", {}, h("bdi", {}, printable(model.description, 1000))) : null,
			h("div", {class: "detail-cols"},
				h("div", {}, h("h2", {}, "Origin"), h("dl", {class: "facts"},
					sourceFacts(model.source), fact("License", model.license),
					fact("Group", model.group), fact("Path", model.path),
					fact("Tags", (model.tags ?? []).slice(0, 50).join(", ")),
					fact("Memory wanted", model.min_ram_bytes ? disk(safeNumber(model.min_ram_bytes)) : null),
					fact("Digest of all", model.aggregate_sha256 ? hash(model.aggregate_sha256, "digest") : null))),
				architecture(model)),
			fileTable(model), actions(model))));
}

// The table.

function heading(column) {
	const sort = view.sort === column.key ? (view.descending ? "descending" : "ascending") : "none";
	return h("th", {scope: "col", role: "columnheader", "aria-sort": sort,
		class: `c-${column.key}${column.right ? " right" : ""}`},
	h("button", {type: "button", class: "sort", id: `sort-${column.key}`, onclick: () => {
		view.descending = view.sort === column.key ? !view.descending : column.key === "size";
		view.sort = column.key;
		draw();
	}}, column.label));
}

// A button may be gone when its table is drawn again: the focus stays with its model.
function keepFocus(id) {
	if (id === undefined || document.activeElement !== document.body)
		return;
	[...document.querySelectorAll(".row")].find((tr) => tr.dataset.model === id)
		?.querySelector(".expand").focus({preventScroll: true});
}

function drawTable() {
	const focused = byId("models-list").contains(document.activeElement)
		? document.activeElement.closest("[data-model]")?.dataset.model : undefined;
	const number = drawRows();
	keepFocus(focused);
	return number;
}

function drawRows() {
	const some = sorted(known.models.filter((m) => wanted(m)));
	cells.clear();
	if (!some.length) {
		fill(byId("models-list"), h("div", {class: "table-box empty"}, known.models.length
			? ["No model is like that. ", h("button", {type: "button", class: "link", onclick: clear}, "Show all")]
			: known.index ? "The index has no models." : "Loading …"));
		return some.length;
	}
	fill(byId("models-list"), h("div", {class: "table-box"},
		h("table", {class: "models-table", role: "table", "aria-labelledby": "models-title"},
			h("thead", {role: "rowgroup"}, h("tr", {role: "row"}, columns.map(heading))),
			h("tbody", {role: "rowgroup"}, some.map((model, at) =>
				[row(model, at), open.has(model.id) ? detail(model, at) : null])))));
	return some.length;
}

function clear() {
	Object.assign(view, {text: "", role: "", format: "", status: "all"});
	byId("filter-text").value = "";
	byId("filter-role").value = "";
	byId("filter-format").value = "";
	draw();
	byId("filter-text").focus();
}

function draw() {
	drawStatusFilter();
	const number = drawTable();
	announce(`${number} of ${plural(known.models.length, "model")} shown`);
}

function drawAll() {
	drawSummary();
	view.role = drawSelect("filter-role", "roles", valuesOf("role"), view.role);
	view.format = drawSelect("filter-format", "formats", valuesOf("format"), view.format);
	drawStatusFilter();
	drawTable();
}

// What a row was last drawn as: a change of that changes counts and buttons, progress only a cell.
const drawn = new Map();

function progress(id) {
	const model = known.models.find((m) => m.id === id);
	if (!model)
		return;
	const {word} = statusOf(model);
	if (drawn.get(id) !== word) {
		drawn.set(id, word);
		announce(`${printable(titleOf(model), 60)}: ${word}`);
		drawSummary();
		drawStatusFilter();
		drawTable();
	} else if (cells.has(id)) {
		fill(cells.get(id), statusContent(model));
	}
}

export function start() {
	byId("filter-text").addEventListener("input", (event) => { view.text = event.target.value; draw(); });
	byId("filter-role").addEventListener("change", (event) => { view.role = event.target.value; draw(); });
	byId("filter-format").addEventListener("change", (event) => { view.format = event.target.value; draw(); });
	on("index", drawAll);
	on("live", progress);
	drawAll();
}

export {drawTable as redraw};
