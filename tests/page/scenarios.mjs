// SPDX-License-Identifier: Apache-2.0
// What is done on the page. Each returns what it saw; test_page.py judges.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

async function unlock(page, token) {
	await page.click("#token-button");
	await page.fill("#token-input", token);
	await page.click("#token-form button[type=submit]");
}

// Waits until the estimate of what was last asked is shown.
async function settled(page) {
	await page.waitForTimeout(250);
	await page.waitForSelector("#memory-result[aria-busy=false] #parts");
}

async function overflow(page) {
	return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

async function rows(page) {
	await page.waitForSelector(".row");
	return page.$$eval(".row", (list) => list.map((row) => ({
		title: row.querySelector(".model-title").textContent,
		id: row.querySelector(".model-id").textContent,
		cells: [...row.querySelectorAll("td")].map((cell) => cell.innerText.replace(/\s+/g, " ").trim()),
		height: row.getBoundingClientRect().height,
	})));
}

export async function models(page) {
	const all = await rows(page);
	await page.fill("#filter-text", "GGUF chat");
	const found = await rows(page);
	await page.fill("#filter-text", "");
	await page.click("#sort-size");
	const bySize = await rows(page);
	await page.fill("#filter-text", "no such thing at all");
	const none = await page.innerText("#models-list");
	const said = await page.textContent("#announcer");
	await page.click("#models-list button");
	await page.locator(".expand").first().click();
	const detail = await page.innerText(".detail");
	return {all, found, bySize, none, said, detail, summary: await page.innerText("#summary"), overflow: await overflow(page)};
}

async function parts(page) {
	return page.$$eval("#parts [data-part]", (list) => Object.fromEntries(list.map((row) =>
		[row.dataset.part, {min: Number(row.dataset.min), max: Number(row.dataset.max), text: row.innerText}])));
}

export async function memory(page, {engine, kv, parallel, context, gpu, profile, layers}) {
	await settled(page);
	const first = await parts(page);
	const fields = await page.$$eval(".locked", (list) => list.map((row) => ({
		label: row.querySelector("label").innerText, value: row.querySelector("input").value,
		locked: row.querySelector("input").disabled})));
	if (engine)
		await page.selectOption("#memory-engine", engine);
	if (gpu) {
		await page.selectOption("#memory-gpu", "other");
		await page.fill("#memory-gpu-other", gpu);
	}
	if (kv)
		await page.selectOption("#memory-kv", kv);
	if (profile)
		await page.selectOption("#memory-profile", profile);
	if (parallel)
		await page.fill("#memory-parallel", parallel);
	if (context)
		await page.fill("#memory-context", context);
	if (layers) {
		await page.click("#lock-num_layers");
		await page.fill("#fact-num_layers", layers);
	}
	await settled(page);
	return {first, fields, parts: await parts(page), verdict: await page.innerText("#verdict"),
		fit: await page.locator("#fit").innerText({timeout: 500}).catch(() => ""),
		pictures: await page.$$eval("#memory-result svg[role=img]", (list) => list.map((svg) => svg.getAttribute("aria-label"))),
		table: await page.$$eval("[aria-label='Memory over context'] tbody tr", (list) => list.map((row) => row.textContent)),
		notes: await page.locator("[aria-labelledby=notes-title]").innerText({timeout: 500}).catch(() => ""),
		overflow: await overflow(page)};
}

async function statusOf(page, id) {
	return page.evaluate((model) => {
		const row = [...document.querySelectorAll(".row")].find((r) => r.querySelector(".model-id").textContent === model);
		return {value: Number(row.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow") ?? -1),
			text: row.querySelector(".c-status").innerText.replace(/\s+/g, " ")};
	}, id);
}

// What the status cell shows until there is no bar any more, or until enough is seen.
async function watch(page, id, enough = () => false) {
	const seen = [];
	await page.waitForSelector("[role=progressbar]");
	for (let i = 0; i < 400; i++) {
		const now = await statusOf(page, id);
		if (seen.at(-1)?.text !== now.text)
			seen.push(now);
		if (now.value < 0 || enough(now))
			break;
		await page.waitForTimeout(50);
	}
	return seen;
}

export async function progress(page, {id}, step) {
	await rows(page);
	await step("shown");
	return {seen: await watch(page, id)};
}

async function expand(page, id) {
	await page.locator(".row", {has: page.locator(`.model-id:text-is("${id}")`)}).locator(".expand").click();
}

async function waitForStatus(page, id, word) {
	await page.waitForFunction(([model, text]) => [...document.querySelectorAll(".row")].some((row) =>
		row.querySelector(".model-id").textContent === model && row.querySelector(".c-status").innerText.replace(/\s+/g, " ").startsWith(text)), [id, word]);
}

// A download that is begun here; with cancel it is ended here as well.
export async function fetching(page, {id, token, cancel, ends}) {
	await rows(page);
	await expand(page, id);
	const before = await page.locator(".detail .actions").innerText();
	await unlock(page, token);
	await page.focus(".detail button:has-text('Fetch')");
	await page.keyboard.press("Enter");
	const seen = await watch(page, id, ({value}) => cancel && value >= 10);
	if (cancel)
		await page.click(".detail button:has-text('Cancel')");
	await waitForStatus(page, id, ends);
	const focus = await page.evaluate(() => document.activeElement.closest("[data-model]")?.dataset.model);
	return {before, seen, focus, last: await statusOf(page, id), detail: await page.innerText(".detail"),
		summary: (await page.innerText("#summary")).replace(/\s+/g, " ")};
}

export async function replaced(page, {title}, step) {
	await rows(page);
	const before = await page.innerText("#models-list");
	await page.waitForSelector("#connection .dot.on");
	await step("shown");
	await page.waitForSelector(`.model-title:text-is("${title}")`);
	const after = await page.innerText("#models-list");
	await step("spoilt");
	await page.waitForSelector("#problem .note");
	return {before, after, problem: await page.innerText("#problem"), last: await page.innerText("#models-list")};
}

export async function restarted(page, {title}, step) {
	await page.waitForSelector("#connection .dot.on");
	await step("stop");
	await page.waitForFunction(() => document.getElementById("connection").innerText === "Not live");
	const still = await rows(page);
	await step("start");
	await page.waitForSelector("#connection .dot.on");
	await page.waitForSelector(`.model-title:text-is("${title}")`);
	return {still};
}

// What a server without a token and without a log says of them.
export async function bare(page) {
	await rows(page);
	const button = await page.isVisible("#token-button");
	await page.click("nav [data-view=checks]");
	const checked = await page.innerText("#checks-body");
	await page.evaluate(() => { location.hash = "#memory"; });
	await settled(page);
	return {button, checked, memory: await page.innerText("#memory-result")};
}

async function diffOf(page) {
	return page.$$eval("#apply-diff li", (list) => list.map((e) => [e.className, e.querySelector("bdi")?.textContent ?? e.textContent]));
}

export async function apply(page, {token, engine, context, parallel, share, ticks}) {
	await settled(page);
	await page.selectOption("#memory-engine", engine);
	await page.fill("#memory-context", context);
	await page.fill("#memory-parallel", parallel);
	await settled(page);
	if (share) {
		await page.click("#memory-form summary");
		await page.fill("#memory-share", share);
		await settled(page);
	}
	const before = {write: await page.locator("#apply-write").count(), diff: await diffOf(page)};
	await unlock(page, token);
	const disabled = await page.isDisabled("#apply-write");
	for (const tick of ticks)
		await page.check(`#flag-${tick}`);
	const shown = await diffOf(page);
	await page.click("#apply-write");
	await page.waitForSelector("[aria-labelledby=apply-title] .note");
	return {before, disabled, shown, said: await page.innerText("[aria-labelledby=apply-title] .note"), after: await diffOf(page)};
}

export async function wrongToken(page, {token}) {
	await settled(page);
	await unlock(page, token);
	await page.check("#flag-context");
	await page.click("#apply-write");
	await page.waitForSelector("[aria-labelledby=apply-title] .note.bad");
	return {said: await page.innerText("[aria-labelledby=apply-title] .note.bad"), buttons: await page.locator("#apply-write").count(),
		label: await page.textContent("#token-label")};
}

export async function reconcile(page, {token}) {
	await settled(page);
	const before = {text: await page.innerText("[aria-labelledby=runtime-title]"), context: await page.inputValue("#memory-context")};
	await unlock(page, token);
	await page.click("#reconcile");
	await page.waitForSelector("[aria-labelledby=runtime-title] table");
	await settled(page);
	const after = await page.innerText("[aria-labelledby=runtime-title]");
	return {before, after, context: await page.inputValue("#memory-context"),
		badge: await page.locator("label[for=memory-context] .badge").innerText()};
}

export async function checks(page, {token}) {
	const without = await page.locator("#check-run").count();
	await unlock(page, token);
	await page.focus("#check-run");
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => document.getElementById("announcer").textContent === "The check is done");
	const focus = await page.evaluate(() => document.activeElement.id);
	const stored = await page.evaluate(() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie]));
	return {without, focus, text: await page.innerText("#checks-body"), stored};
}

export async function storage(page) {
	await page.waitForSelector("#storage-body svg");
	return {text: await page.innerText("#storage-body"), picture: await page.getAttribute("#storage-body svg", "aria-label")};
}

export async function hostile(page, {index}) {
	if (index) {
		await page.route("**/model-info", (route) => route.fulfill({json: index}));
		await page.reload();
	}
	const list = await rows(page);
	for (let at = 0; at < list.length; at++)
		await page.click(`#expand-${at}`);
	const seen = {rows: list, overflow: await overflow(page), images: await page.locator("main img, main script, main iframe, main b").count(),
		ran: await page.evaluate(() => window.ran ?? false), bidi: await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u200b\u0007]/.test(document.body.innerText))};
	await page.evaluate(() => { location.hash = "#storage"; });
	await page.waitForSelector("#storage-body svg");
	seen.storage = await overflow(page);
	await page.evaluate(() => { location.hash = "#memory"; });
	await settled(page);
	seen.memory = await overflow(page);
	return seen;
}

// axe-core works from inside, which the page's policy forbids to scripts: it comes by the debugger.
export async function accessible(page, {scheme}) {
	const found = [];
	const source = readFileSync(axePath, "utf8");
	const look = async (where) => {
		await page.evaluate(source);
		const report = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
		for (const {id, nodes} of report.violations)
			found.push(`${where}: ${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
	};
	await page.waitForSelector(".row");
	await page.locator(".expand").first().click();
	await look("models");
	await page.click("nav [data-view=memory]");
	await settled(page);
	for (const summary of await page.$$("summary"))
		await summary.click();
	await look("memory");
	await page.click("nav [data-view=storage]");
	await page.waitForSelector("#storage-body svg");
	await look("storage");
	await page.click("nav [data-view=checks]");
	await page.waitForSelector("#checks-body .panel");
	await look("checks");
	await page.click("#token-button");
	await look("dialog");
	return {found, scheme, back: await page.evaluate(() => getComputedStyle(document.body).backgroundColor)};
}

// From the top with the Tab key alone: where the focus goes, and whether it is seen.
export async function keyboard(page) {
	await page.waitForSelector(".row");
	const walk = [];
	const where = () => page.evaluate(() => {
		const e = document.activeElement;
		const style = getComputedStyle(e.matches(".segment input") ? e.nextElementSibling : e);
		return {id: e.id || e.dataset.view || e.className || e.tagName, outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0};
	});
	for (let i = 0; i < 18; i++) {
		await page.keyboard.press("Tab");
		walk.push(await where());
	}
	await page.focus("#expand-0");
	await page.keyboard.press("Enter");
	const opened = await page.getAttribute("#expand-0", "aria-expanded");
	const kept = (await where()).id;
	await page.focus("nav [data-view=memory]");
	await page.keyboard.press("Enter");
	await settled(page);
	await page.focus("#lock-num_layers");
	await page.keyboard.press("Space");
	const unlocked = await page.isEnabled("#fact-num_layers");
	const keptLock = (await where()).id;
	await page.focus("#token-button");
	await page.keyboard.press("Enter");
	const inDialog = (await where()).id;
	await page.keyboard.press("Escape");
	return {walk, opened, kept, unlocked, keptLock, inDialog, back: (await where()).id};
}

export async function narrow(page) {
	const seen = {};
	for (const view of ["models", "memory", "storage", "checks"]) {
		await page.click(`nav [data-view=${view}]`);
		await page.waitForTimeout(700);
		if (view === "models")
			await page.locator(".expand").first().click();
		seen[view] = await overflow(page);
	}
	return seen;
}

export async function theme(page) {
	const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const seen = [await colour()];
	for (let i = 0; i < 3; i++) {
		await page.click("#theme-button");
		seen.push(await colour());
	}
	await page.click("#theme-button");
	await page.click("#theme-button");
	await page.reload();
	return {seen, afterReload: await colour()};
}

