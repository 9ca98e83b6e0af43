// SPDX-License-Identifier: Apache-2.0
// Whether what the index says is on the disk.
import {get, hasToken, maybe, onToken, post} from "./api.js";
import {announce, byId, copyButton, fill, h, icon} from "./dom.js";
import {count, disk, plural, printable, safeNumber} from "./format.js";
import {can, known, on, titleOf, modelById} from "./state.js";

let last = null; // {"state", "at", "report"}: null when the server has none
let running = false;
let problem = "";

function command(text, what) {
	return h("div", {class: "command"}, h("code", {}, text), copyButton(text, what));
}

function timeText(at) {
	const date = new Date(at);
	return Number.isNaN(date.getTime()) ? printable(at, 40)
		: date.toLocaleString(undefined, {dateStyle: "medium", timeStyle: "short"});
}

// A model that was never baked has missing files and is all right.
function findings(report) {
	const list = [];
	for (const model of Array.isArray(report.models) ? report.models : []) {
		for (const file of model.ok !== true && Array.isArray(model.files) ? model.files : []) {
			if (file.status !== "ok")
				list.push({model: model.id, path: file.path, level: "error", what: file.message ?? file.status});
		}
		for (const {path, level, message} of Array.isArray(model.findings) ? model.findings : [])
			list.push({model: model.id, path, level, what: message});
	}
	return list.slice(0, 500);
}

const levels = {error: ["failed", "cross"], warning: ["warning", "warn"], note: ["note", "minus"]};

function findingRow({model, path, level, what}) {
	const [kind, mark] = levels[level] ?? levels.error;
	const known = modelById(model);
	return h("tr", {}, h("td", {}, h("bdi", {}, printable(known ? titleOf(known) : model, 80))),
		h("td", {}, h("bdi", {class: "mono"}, printable(path))),
		h("td", {}, h("span", {class: `status ${kind}`}, icon(mark), h("bdi", {}, printable(what, 200)))));
}

function problems(report) {
	const list = findings(report);
	const extra = (Array.isArray(report.extra) ? report.extra : []).slice(0, 500);
	return [
		list.length ? h("div", {class: "table-box"}, h("table", {class: "findings", "aria-label": "What was found"},
			h("thead", {}, h("tr", {}, ["Model", "File", "Found"].map((text) => h("th", {scope: "col"}, text)))),
			h("tbody", {}, list.map(findingRow)))) : null,
		extra.length ? h("details", {class: "panel"}, h("summary", {}, plural(extra.length, "file that no model has", "files that no model has")),
			h("ul", {class: "bullets"}, extra.map((path) => h("li", {},
				h("bdi", {}, printable(typeof path === "string" ? path : path?.path)))))) : null,
	];
}

function verdictText(report) {
	const found = [[report.wrong, "wrong"], [report.broken, "broken"], [report.unfinished, "unfinished"],
		[report.extra?.length, "extra"]].filter(([number]) => safeNumber(number));
	return found.length ? found.map(([number, what]) => `${count(number)} ${what}`).join(", ") : "Not right";
}

function result(report) {
	const files = plural(safeNumber(report.verified), "file");
	const how = report.quick ? "sizes compared, contents not read" : "every byte read";
	return [
		h("div", {class: `verdict ${report.ok ? "fits" : "does-not-fit"}`},
			h("span", {class: "verdict-mark"}, icon(report.ok ? "check" : "cross")),
			h("div", {}, h("p", {class: "verdict-head"}, report.ok ? "All files are right"
				: verdictText(report)),
			h("p", {class: "muted"}, `${files}, ${disk(safeNumber(report.verified_bytes))} · ${how}`,
				last.at ? ` · ${timeText(last.at)}` : ""))),
		report.message && !report.ok ? h("p", {}, h("bdi", {}, printable(report.message, 400))) : null,
	];
}

function runPart() {
	if (!can("verify"))
		return [h("p", {class: "hint"}, "This server was started without an administrator's token: run the check in the container."),
			command("bake-verify --quick", "command")];
	if (hasToken())
		return h("div", {class: "actions"}, h("button", {type: "button", class: "button primary", id: "check-run",
			"aria-disabled": running ? "true" : null, onclick: () => void run()}, running ? "Checking …" : "Run quick check"),
		h("span", {class: "hint"}, "Compares the size of every file."));
	return [h("p", {class: "hint"}, "Unlock actions to run a quick check from here, or run it in the container:"),
		command("bake-verify --quick", "command")];
}

function draw() {
	const report = last?.report ?? null;
	const silent = last?.state === "done" && !report
		? `bake-verify ended with ${printable(last.exit_code ?? "an error", 20)} and no report.` : "";
	fill(byId("checks-body"), h("div", {class: "stack"},
		h("section", {class: "panel stack", "aria-labelledby": "check-last"},
			h("h2", {id: "check-last"}, "Last check"),
			report ? result(report) : h("p", {class: "muted"}, silent || (running ? "It runs." : "None since the server started.")),
			problem ? h("p", {class: "note bad", role: "alert"}, icon("cross"), printable(problem, 300)) : null,
			runPart()),
		report ? problems(report) : null,
		h("section", {class: "panel stack", "aria-labelledby": "check-full"},
			h("h2", {id: "check-full"}, "Full check"),
			h("p", {class: "muted"}, "Reads every byte and compares its SHA-256. It takes as long as reading the disk does:"),
			command("bake-verify", "command")),
		h("section", {class: "panel", "aria-labelledby": "check-index"},
			h("h2", {id: "check-index"}, "The index"),
			h("dl", {class: "facts"}, [["Manifest", known.index?.manifest?.name],
				["Manifest SHA-256", known.index?.manifest?.sha256], ["Lock SHA-256", known.index?.lock_sha256],
				["Made by", known.index?.generator]].filter(([, value]) => value).map(([name, value]) =>
				[h("dt", {}, name), h("dd", {}, h("bdi", {class: String(value).length === 64 ? "mono" : null}, printable(value, 120)))])))));
}

const unfinished = ["queued", "running"];

// It runs beside.
async function wait() {
	for (;;) {
		await new Promise((done) => { setTimeout(done, 500); });
		const answer = await get("verify");
		if (!unfinished.includes(answer.state))
			return answer;
	}
}

async function run() {
	if (running)
		return;
	running = true;
	problem = "";
	draw();
	try {
		await post("verify");
		last = await wait();
		announce("The check is done");
	} catch (error) {
		problem = error.message;
	}
	running = false;
	draw();
}

async function ask() {
	last = await maybe("verify").catch(() => null) ?? last;
	draw();
	if (!running && unfinished.includes(last?.state)) {
		running = true;
		last = await wait().catch(() => last);
		running = false;
		draw();
	}
}

export function start() {
	on("index", draw);
	onToken(draw);
	draw();
}

export {ask as show};
