// SPDX-License-Identifier: Apache-2.0
// The frame: views, theme, token, and what the server is doing.
import {hasToken, onToken, setToken} from "./api.js";
import * as checks from "./checks.js";
import {announce, byId, fill, h, icon} from "./dom.js";
import {printable} from "./format.js";
import * as memory from "./memory.js";
import * as models from "./models.js";
import {can, known, listen, load, on, statusOf, titleOf} from "./state.js";
import * as storage from "./storage.js";

const views = {models: {title: "Models"}, memory: {title: "Memory", show: memory.show},
	storage: {title: "Storage", show: storage.show}, checks: {title: "Checks", show: checks.show}};

function decode(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return "";
	}
}

// "#memory/ID" is a view and what it is about.
function route(moved) {
	const [name, rest] = location.hash.slice(1).split(/\/(.*)/s);
	const current = Object.hasOwn(views, name) ? name : "models";
	for (const link of document.querySelectorAll("nav [data-view]")) {
		if (link.dataset.view === current)
			link.setAttribute("aria-current", "page");
		else
			link.removeAttribute("aria-current");
	}
	for (const other of Object.keys(views))
		byId(`view-${other}`).hidden = other !== current;
	document.title = `${views[current].title} · modelbake`;
	void views[current].show?.(rest ? decode(rest) : "");
	if (moved) {
		window.scrollTo(0, 0);
		announce(views[current].title);
	}
}

// Theme.

const themes = ["system", "light", "dark"];
const themeIcons = {system: "auto", light: "sun", dark: "moon"};

function theme() {
	return document.documentElement.dataset.theme ?? "system";
}

function drawTheme() {
	byId("theme-icon").setAttribute("href", `#i-${themeIcons[theme()]}`);
	byId("theme-label").textContent = `Theme: ${theme()}`;
	byId("theme-button").title = `Theme: ${theme()}`;
}

function nextTheme() {
	const next = themes[(themes.indexOf(theme()) + 1) % themes.length];
	if (next === "system")
		delete document.documentElement.dataset.theme;
	else
		document.documentElement.dataset.theme = next;
	try {
		localStorage.setItem("theme", next);
	} catch {
		// Then it lasts as long as the page.
	}
	drawTheme();
	announce(`Theme: ${next}`);
}

// Token.

function drawToken() {
	byId("token-button").hidden = !can();
	const text = hasToken() ? "Lock actions" : "Unlock actions";
	byId("token-label").textContent = text;
	byId("token-button").title = text;
	byId("token-button").classList.toggle("active", hasToken());
	models.redraw();
}

function startToken() {
	const dialog = byId("token-dialog");
	byId("token-button").addEventListener("click", () => {
		if (hasToken())
			setToken("");
		else
			dialog.showModal();
	});
	byId("token-cancel").addEventListener("click", () => dialog.close());
	byId("token-form").addEventListener("submit", () => {
		setToken(byId("token-input").value.trim());
		announce("Actions are unlocked");
	});
	dialog.addEventListener("close", () => { byId("token-input").value = ""; });
	onToken(drawToken);
}

// What is to be said of the server.

function unusable() {
	const list = known.models.filter((m) => m.required && !["baked", "fallback"].includes(statusOf(m).word));
	const names = list.slice(0, 3).map((m) => printable(titleOf(m), 60)).join(", ");
	return names && `: ${names}${list.length > 3 ? " …" : ""}`;
}

function drawServer() {
	const {index, server, error} = known;
	fill(byId("problem"),
		error ? h("div", {class: "note bad", role: "alert"}, icon("warn"), h("div", {},
			`The index cannot be shown. ${printable(error.message, 300)} `,
			h("button", {type: "button", class: "link", onclick: () => void load()}, "Try again"))) : null,
		!error && server?.message && server.status === "healthy"
			? h("div", {class: "note warn"}, icon("warn"), h("div", {}, printable(server.message, 400))) : null,
		!error && server?.message && server.status !== "healthy"
			? h("div", {class: "note bad"}, icon("warn"), h("div", {}, printable(server.message, 400), h("bdi", {}, unusable()))) : null,
		!error && index?.stale && !server ? h("div", {class: "note warn"}, icon("warn"),
			h("div", {}, "The index on the disk is newer but cannot be read: this is the one before.")) : null);
	byId("index-name").textContent = printable(index?.manifest?.name ?? "", 60);
	fill(byId("foot"), server?.server ? h("span", {}, `Served by ${printable(server.server, 60)}`) : null,
		index?.generator ? h("span", {}, `Index made by ${printable(index.generator, 60)}`) : null,
	h("a", {href: "model-info"}, "model-info as JSON"));
}

function drawConnection() {
	fill(byId("connection"), h("span", {class: known.connected ? "dot on" : "dot"}),
		known.connected ? "Live" : "Not live");
}

function main() {
	on("index", () => {
		drawServer();
		drawToken();
	});
	on("connection", drawConnection);
	models.start();
	memory.start();
	storage.start();
	checks.start();
	startToken();
	byId("theme-button").addEventListener("click", nextTheme);
	window.addEventListener("hashchange", () => route(true));
	drawTheme();
	drawConnection();
	void load().then(() => route(false));
	route(false);
	listen();
}

main();
