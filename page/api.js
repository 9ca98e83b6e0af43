// SPDX-License-Identifier: Apache-2.0
// Asking the server. All addresses are relative, so that the page also works below a prefix.

export class ApiError extends Error {
	constructor(message, status, body) {
		super(message);
		this.status = status;
		this.body = body;
	}
}

let token = ""; // of the administrator: here and nowhere else, gone with the page
const listeners = new Set();

export function hasToken() {
	return token !== "";
}

export function setToken(value) {
	token = value;
	for (const listener of listeners)
		listener();
}

export function onToken(listener) {
	listeners.add(listener);
}

async function ask(path, options = {}) {
	let response;
	try {
		response = await fetch(path, {credentials: "same-origin", redirect: "error", ...options});
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
		throw new ApiError("The server does not answer.", 0, null);
	}
	let body = null;
	try {
		body = await response.json();
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
	}
	if (response.ok && body !== null)
		return body;
	const text = body?.message ?? body?.error;
	throw new ApiError(typeof text === "string" && text ? text
		: `The server answered ${response.status}${response.ok ? " with something that is no JSON" : ""}.`,
	response.status, body);
}

export function get(path, query = {}, signal = undefined) {
	const words = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== null && value !== "")
			words.set(name, String(value));
	}
	const text = words.toString();
	return ask(text ? `${path}?${text}` : path, {signal, cache: "no-cache"});
}

// Null when the server has no such route.
export async function maybe(path) {
	try {
		return await get(path);
	} catch (error) {
		if (error.status === 404 || error.status === 405 || error.status === 501)
			return null;
		throw error;
	}
}

export async function post(path, body) {
	try {
		return await ask(path, {
			method: "POST",
			headers: {"Content-Type": "application/json", Authorization: `Bearer ${token}`},
			body: JSON.stringify(body ?? {}),
		});
	} catch (error) {
		if (error.status === 401) {
			setToken("");
			error.message = "The token is not right. Actions are locked again.";
		}
		throw error;
	}
}

// bake-index estimate: the names of its options, with "_" for "-". A model that does not fit is an
// answer, whatever its status.
export async function estimate(wish, signal) {
	try {
		return await get("estimate", wish, signal);
	} catch (error) {
		if (error.body && (Array.isArray(error.body.parts) || "total_gib" in error.body))
			return error.body;
		throw error;
	}
}
