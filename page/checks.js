// SPDX-License-Identifier: Apache-2.0
// Whether what the index says is on the disk.
import {get, hasToken, maybe, onToken, post} from "./api.js";
import {announce, byId, copyButton, fill, h, icon} from "./dom.js";
import {count, disk, plural, printable, safeNumber} from "./format.js";
import {known, on, titleOf, modelById} from "./state.js";

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

function wrongFiles(report) {
	const list = [];
	for (const model of Array.isArray(report.models) ? report.models : []) {
		for (const file of Array.isArray(model.files) ? model.files : []) {
			if (file.status !== "ok")
				list.push({model: model.id, ...file});
		}
	}
	return list.slice(0, 500);
}

function problems(report) {
	const wrong = wrongFiles(report);
	const extra = (Array.isArray(report.extra) ? report.extra : []).slice(0, 500);
	return [
		wrong.length ? h("div", {class: "table-box"}, h("table", {"aria-label": "Files that are wrong"},
			h("thead", {}, h("tr", {}, ["Model", "File", "What is wrong"].map((text) =>
				h("th", {scope: "col"}, text)))),
			h("tbody", {}, wrong.map((file) => h("tr", {},
				h("td", {}, h("bdi", {}, printable(modelById(file.model) ? titleOf(modelById(file.model)) : file.model, 80))),
				h("td", {}, h("bdi", {}, printable(file.path))),
				h("td", {}, h("span", {class: "status failed"}, icon("cross"), printable(file.message ?? file.status, 200)))))))) : null,
		extra.length ? h("details", {}, h("summary", {}, plural(extra.length, "file that no model has")),
			h("ul", {class: "bullets"}, extra.map((path) => h("li", {},
				h("bdi", {}, printable(typeof path === "string" ? path : path?.path)))))) : null,
	];
}

function result(report) {
	const files = plural(safeNumber(report.verified), "file");
	const how = report.quick ? "sizes compared, contents not read" : "every byte read";
	return [
		h("div", {class: `verdict ${report.ok ? "fits" : "does-not-fit"}`},
			h("span", {class: "verdict-mark"}, icon(report.ok ? "check" : "cross")),
			h("div", {}, h("p", {class: "verdict-head"}, report.ok ? "All files are right"
				: `${count(safeNumber(report.wrong))} wrong, ${count((report.extra ?? []).length)} extra`),
			h("p", {class: "muted"}, `${files}, ${disk(safeNumber(report.verified_bytes))} · ${how}`,
				last.at ? ` · ${timeText(last.at)}` : ""))),
		report.message && !report.ok ? h("p", {}, h("bdi", {}, printable(report.message, 400))) : null,
	];
}

function runPart() {
	if (hasToken())
		return h("div", {class: "actions"}, h("button", {type: "button", class: "button primary", id: "check-run",
			disabled: running, onclick: () => void run()}, running ? "Checking …" : "Run quick check"),
		h("span", {class: "hint"}, "Compares the size of every file."));
	return [h("p", {class: "hint"}, "Unlock actions to run a quick check from here, or run it in the container:"),
		command("bake-verify --quick", "command")];
}

function draw() {
	const report = last?.report ?? (last && "verified" in last ? last : null);
	fill(byId("checks-body"), h("div", {class: "stack"},
		h("section", {class: "panel stack", "aria-labelledby": "check-last"},
			h("h2", {id: "check-last"}, "Last check"),
			report ? result(report) : h("p", {class: "muted"}, "None since the server started."),
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

// It runs beside: until it is done, its state is "queued" or "running".
async function wait() {
	for (;;) {
		await new Promise((done) => { setTimeout(done, 500); });
		const answer = await get("verify");
		if (!["queued", "running"].includes(answer.state))
			return answer;
	}
}

async function run() {
	running = true;
	problem = "";
	draw();
	try {
		const answer = await post("verify", {quick: true});
		last = "report" in answer || "verified" in answer ? answer : await wait();
		announce("The check is done");
	} catch (error) {
		// What it finds wrong is a result, whatever its status.
		if (error.body && ("report" in error.body || "verified" in error.body))
			last = error.body;
		else
			problem = error.message;
	}
	running = false;
	draw();
}

async function ask() {
	last = await maybe("verify").catch(() => null) ?? last ?? known.health?.verification ?? null;
	draw();
}

export function start() {
	on("index", draw);
	onToken(draw);
	draw();
}

export {ask as show};
