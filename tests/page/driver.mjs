// SPDX-License-Identifier: Apache-2.0
// Runs scenarios of scenarios.mjs in a headless Chromium. Each line of standard input is one:
// {"scenario", "origin", "args"}; a line of standard output has what it returned, with what the page
// must never do. Each begins as a new visitor. Where a scenario waits for something to happen outside,
// it says {"step": NAME} and goes on with the next line that comes.
import {createInterface} from "node:readline";
import {chromium} from "playwright-core";
import * as scenarios from "./scenarios.mjs";

const browser = await chromium.launch({
	executablePath: process.env.BAKE_CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

function watch(page, origin, expected) {
	const seen = {complaints: [], foreign: []};
	page.on("console", (message) => {
		const known = expected && new RegExp(expected).test(message.text());
		if (["error", "warning"].includes(message.type()) && !known)
			seen.complaints.push(message.text());
	});
	page.on("pageerror", (error) => seen.complaints.push(String(error.stack)));
	page.on("dialog", (dialog) => {
		seen.complaints.push(`dialog: ${dialog.message()}`);
		void dialog.dismiss();
	});
	page.on("request", (request) => {
		const url = new URL(request.url());
		if (url.protocol !== "data:" && url.origin !== origin)
			seen.foreign.push(request.url());
	});
	return seen;
}

const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();

async function step(name) {
	process.stdout.write(`${JSON.stringify({step: name})}\n`);
	await lines.next();
}

async function run({scenario, origin, args}) {
	const context = await browser.newContext({
		viewport: {width: args.width ?? 1280, height: args.height ?? 900},
		colorScheme: args.scheme ?? "light", reducedMotion: args.motion ?? "no-preference",
	});
	const page = await context.newPage();
	const seen = watch(page, origin, args.expected);
	let result;
	page.setDefaultTimeout(20000);
	try {
		await page.goto(`${origin}/${args.hash ?? ""}`);
		result = await scenarios[scenario](page, args, step);
	} catch (error) {
		result = {failed: String(error.stack)};
	}
	if (process.env.BAKE_SHOTS)
		await page.screenshot({path: `${process.env.BAKE_SHOTS}/${args.shot ?? scenario}.png`, fullPage: true});
	await context.close();
	return {result, ...seen};
}

process.stdout.write("ready\n");
for (let line = await lines.next(); !line.done; line = await lines.next())
	process.stdout.write(`${JSON.stringify(await run(JSON.parse(line.value)))}\n`);
await browser.close();
