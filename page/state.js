// SPDX-License-Identifier: Apache-2.0
// What the page knows: the index, and how far downloads are. Views listen.
import {get, maybe} from "./api.js";
import {safeNumber} from "./format.js";

export const known = {
	index: null,
	models: [],
	live: new Map(), // id -> state of its download
	health: null,
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

const problems = {
	wrong: "What is on the disk is not what the index says.",
	absent: "The index says baked, but nothing is there.",
};

// What is shown of a model: one word, and what is to be said about it.
export function statusOf(model) {
	const live = known.live.get(model.id);
	if (live && ["queued", "downloading", "verifying"].includes(live.state))
		return {word: "fetching", live};
	if (live?.state === "failed" && model.status !== "baked")
		return {word: "failed", message: live.message, hint: live.hint};
	if (model.status === "missing" && live?.state === "cancelled")
		return {word: "missing", message: live.message};
	if (model.status === "missing" && live?.state === "downloaded")
		return {word: "missing", message: "Fetched, but not in the index yet."};
	const word = ["baked", "fallback", "missing", "failed"].includes(model.status)
		? model.status : "failed";
	return {word, message: model.message ?? (word === model.status ? undefined
		: problems[model.status] ?? model.status)};
}

function isRecord(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

export async function load() {
	try {
		const [index, health] = await Promise.all([get("model-info"), maybe("health").catch((e) => e.body)]);
		known.index = isRecord(index) ? index : {};
		known.models = (Array.isArray(known.index.models) ? known.index.models : [])
			.filter((model) => isRecord(model) && typeof model.id === "string");
		known.health = isRecord(health) ? health : null;
		known.error = null;
	} catch (error) {
		known.error = error;
	}
	tell("index");
}

function takeModel(id, state) {
	if (!isRecord(state) || typeof id !== "string")
		return;
	const before = known.live.get(id);
	known.live.set(id, {
		state: String(state.state ?? ""), bytes: safeNumber(state.bytes),
		total: safeNumber(state.total), progress: Math.min(1, safeNumber(state.progress)),
		rate: safeNumber(state.rate),
		eta: typeof state.eta === "number" ? safeNumber(state.eta) : null,
		sizeText: state.size_text, message: state.message, hint: state.hint,
	});
	tell("live", id);
	if (before && before.state !== state.state && state.state === "downloaded")
		void load();
}

// After a success there is no state any more: what it told of has ended, and the index knows how.
function forget(models) {
	const gone = [...known.live.keys()].filter((id) => !Object.hasOwn(models, id));
	for (const id of gone) {
		known.live.delete(id);
		tell("live", id);
	}
	if (gone.length)
		void load();
}

// A whole bake.state/1, or the line of one model.
function take(text) {
	let document;
	try {
		document = JSON.parse(text);
	} catch {
		return;
	}
	if (!isRecord(document))
		return;
	if (isRecord(document.models)) {
		forget(document.models);
		for (const [id, state] of Object.entries(document.models))
			takeModel(id, state);
	} else if (typeof document.model === "string") {
		takeModel(document.model, document);
	} else if (document.event === "index" || document.schema === "bake.index/1") {
		void load();
	}
}

export function listen() {
	const source = new EventSource("events");
	const heard = (event) => take(event.data);
	for (const name of ["message", "state", "model"])
		source.addEventListener(name, heard);
	source.addEventListener("index", () => void load());
	source.addEventListener("open", () => {
		known.connected = true;
		tell("connection");
	});
	source.addEventListener("error", () => {
		known.connected = false;
		tell("connection");
	});
}
