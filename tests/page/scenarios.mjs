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

export async function progress(page, {id}) {
	const seen = [];
	await page.waitForSelector("[role=progressbar]");
	for (let i = 0; i < 200; i++) {
		const now = await page.evaluate((model) => {
			const row = [...document.querySelectorAll(".row")].find((r) => r.querySelector(".model-id").textContent === model);
			return {value: Number(row.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow") ?? -1),
				text: row.querySelector(".c-status").innerText};
		}, id);
		if (seen.at(-1)?.text !== now.text)
			seen.push(now);
		if (now.value < 0)
			break;
		await page.waitForTimeout(100);
	}
	return {seen};
}

export async function apply(page, {token, wrong}) {
	await settled(page);
	await page.selectOption("#memory-engine", "vllm");
	await page.fill("#memory-context", "3072");
	await page.fill("#memory-parallel", "4");
	await settled(page);
	const before = await page.locator("#apply-write").count();
	if (wrong) {
		await unlock(page, wrong);
		await page.check("#flag-context");
		await page.click("#apply-write");
		await page.waitForSelector("[aria-labelledby=apply-title] .note");
		const said = await page.innerText("[aria-labelledby=apply-title] .note");
		await page.uncheck("#flag-context");
		await unlock(page, token);
		return {said, buttons: await page.locator("#apply-write").count()};
	}
	await unlock(page, token);
	const disabled = await page.isDisabled("#apply-write");
	await page.check("#flag-context");
	await page.check("#flag-parallel");
	const shown = await page.$$eval("#apply-diff .plus bdi, #apply-diff .same bdi", (list) => list.map((e) => e.textContent));
	await page.click("#apply-write");
	await page.waitForSelector("[aria-labelledby=apply-title] .note.good");
	const after = await page.$$eval("#apply-diff li", (list) => list.map((e) => [e.className, e.querySelector("bdi")?.textContent]));
	await page.click("#reconcile");
	await page.waitForSelector("[aria-labelledby=runtime-title] table");
	return {before, disabled, shown, after, runtime: await page.innerText("[aria-labelledby=runtime-title]")};
}

export async function checks(page, {token}) {
	const without = await page.locator("#check-run").count();
	await unlock(page, token);
	await page.click("#check-run");
	await page.waitForSelector("#checks-body .verdict");
	const stored = await page.evaluate(() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie]));
	return {without, text: await page.innerText("#checks-body"), stored};
}

export async function storage(page) {
	await page.waitForSelector("#storage-body svg");
	return {text: await page.innerText("#storage-body"), picture: await page.getAttribute("#storage-body svg", "aria-label")};
}

export async function hostile(page) {
	const list = await rows(page);
	await page.locator(".expand").first().click();
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

export async function down(page) {
	await page.waitForSelector("#problem .note");
	return {text: await page.innerText("#problem"), connection: await page.innerText("#connection")};
}
