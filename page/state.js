// SPDX-License-Identifier: Apache-2.0
// What the page knows: the index, and how far downloads are. Views listen.
import {get, maybe} from "./api.js";
import {safeNumber} from "./format.js";

export const known = {
	index: null,
	models: [],
	live: new Map(), // id -> state of its download
	server: null, // its answer to status
	connected: false,
	error: null,
};

const listeners = {index: new Set(), live: new Set(), connection: new Set()};

export function on(what, listener) {
	listeners[what].add(listener);
}

function tell(what, detail) {
	for (const listener of listeners[what])
		listener(detail);
}

export function modelById(id) {
	return known.models.find((model) => model.id === id);
}

export function titleOf(model) {
	return model.title || model.id;
}

// "verify", "apply", "fetch", "reconcile": whether the server does that at all.
export function can(action) {
	const actions = known.server?.actions;
	return Array.isArray(actions) && (action ? actions.includes(action) : actions.length > 0);
}

const usable = ["baked", "fallback"];

// What is shown of a model: one word, and what is to be said about it.
export function statusOf(model) {
	const live = known.live.get(model.id);
	if (live && ["queued", "downloading", "verifying"].includes(live.state))
		return {word: "fetching", live};
	if (usable.includes(model.status))
		return {word: model.status};
	if (live?.state === "failed")
		return {word: "failed", message: live.message, hint: live.hint};
	if (model.status === "missing" && live?.state === "cancelled")
		return {word: "missing", message: `Cancelled: ${live.message ?? "stopped"}`};
	if (model.status === "missing")
		return {word: "missing", message: live?.state === "downloaded" ? "Fetched, but not in the index yet." : model.problem};
	return {word: "failed", message: model.problem ?? model.status};
}

function isRecord(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

let loading = null;

// One after the other: what is asked for while an answer is under way needs a newer one.
export function load() {
	const next = (loading ?? Promise.resolve()).then(fetchAll);
	loading = next;
	return next;
}

async function fetchAll() {
	try {
		const [index, server] = await Promise.all([get("model-info"), maybe("status").catch(() => null)]);
		known.index = isRecord(index) ? index : {};
		known.models = (Array.isArray(known.index.models) ? known.index.models : [])
			.filter((model) => isRecord(model) && typeof model.id === "string");
		known.server = isRecord(server) ? server : null;
		known.error = null;
	} catch (error) {
		known.error = error;
	}
	tell("index");
}

function isText(value) {
	return typeof value === "string" && value !== "";
}

// What a download is at: from state.json, and from the task that was asked for. A task that waits, or
// that ended before there was a state.json, has nothing else.
function liveOf(state, task) {
	const live = {
		state: String(state?.state ?? task?.state ?? ""), bytes: safeNumber(state?.bytes),
		total: safeNumber(state?.total), progress: Math.min(1, safeNumber(state?.progress)),
		rate: safeNumber(state?.rate),
		eta: typeof state?.eta === "number" ? safeNumber(state.eta) : null,
		sizeText: isText(state?.size_text) ? state.size_text : null,
		message: isText(state?.message) ? state.message : undefined,
		hint: isText(state?.hint) ? state.hint : undefined,
	};
	if (["queued", "failed", "cancelled"].includes(task?.state))
		live.state = task.state;
	else if (task?.state === "running" && !["queued", "downloading", "verifying"].includes(live.state))
		live.state = "queued";
	else if (task?.state === "done")
		live.state = "downloaded";
	if (live.state === "failed" && !live.message)
		live.message = isText(task?.error) ? `bake-fetch: ${task.error}` : "bake-fetch ended without success";
	return live;
}

// Told all over again each time: what is not there any more has ended.
function take(text) {
	let document;
	try {
		document = JSON.parse(text);
	} catch {
		return;
	}
	if (!isRecord(document))
		return;
	const models = isRecord(document.models) ? document.models : {};
	const tasks = isRecord(document.tasks) ? document.tasks : {};
	const ids = new Set([...known.live.keys(), ...Object.keys(models), ...Object.keys(tasks)]);
	for (const id of ids) {
		const state = Object.hasOwn(models, id) && isRecord(models[id]) ? models[id] : null;
		const task = Object.hasOwn(tasks, id) && isRecord(tasks[id]) ? tasks[id] : null;
		if (state || task)
			known.live.set(id, liveOf(state, task));
		else
			known.live.delete(id);
		tell("live", id);
	}
	takeRevision(document.revision);
}

let revision = null; // of the index that is shown, since the connection is open

function takeRevision(next) {
	if (revision !== null && next !== revision)
		void load();
	revision = next;
}

export function listen() {
	const source = new EventSource("events");
	let opened = false;
	source.addEventListener("state", (event) => take(event.data));
	source.addEventListener("open", () => {
		known.connected = true;
		if (opened) // the server may be another one now
			void load();
		opened = true;
		revision = null;
		tell("connection");
	});
	source.addEventListener("error", () => {
		known.connected = false;
		tell("connection");
	});
}
