// SPDX-License-Identifier: Apache-2.0
// What takes how much of the disk.
import {maybe} from "./api.js";
import {byId, fill, h, s} from "./dom.js";
import {disk, printable, safeNumber} from "./format.js";
import {known, on, statusOf, titleOf} from "./state.js";

let volume = null; // {total, free} in bytes; null: the server does not say

const shades = ["f-weights", "f-kv", "f-compute", "f-vision", "f-output", "f-other"];

function used() {
	return known.models.filter((m) => ["baked", "fallback"].includes(statusOf(m).word))
		.map((model) => ({model, bytes: safeNumber(model.bytes)}))
		.sort((a, b) => b.bytes - a.bytes)
		.map((entry, at) => ({...entry, shade: at < shades.length ? shades[at] : "f-overhead"}));
}

function picture(segments, total) {
	let x = 0;
	const whole = Math.max(total, 1);
	const text = segments.map(({name, bytes}) => `${name}: ${disk(bytes)}`).join("; ");
	return s("svg", {class: "chart flat", viewBox: "0 0 1000 36", preserveAspectRatio: "none", role: "img",
		"aria-label": text, height: 36},
	segments.map(({bytes, shade}) => {
		const width = bytes / whole * 1000;
		const bar = s("rect", {class: `${shade} gap`, x, y: 0, width, height: 36});
		x += width;
		return bar;
	}));
}

function key(name, bytes, shade) {
	return h("span", {}, h("span", {class: `swatch ${shade}`}), h("bdi", {}, name), " ",
		h("strong", {}, disk(bytes)));
}

function segmentsOf(list, sum) {
	const first = list.slice(0, shades.length);
	const rest = list.slice(shades.length).reduce((all, {bytes}) => all + bytes, 0);
	const segments = first.map(({model, bytes, shade}) => ({name: printable(titleOf(model), 40), bytes, shade}));
	if (rest)
		segments.push({name: "other models", bytes: rest, shade: "f-overhead"});
	if (volume) {
		const others = volume.total - volume.free - sum;
		if (others > 0)
			segments.push({name: "other files", bytes: others, shade: "f-files"});
		segments.push({name: "free", bytes: volume.free, shade: "f-free"});
	}
	return segments.filter(({bytes}) => bytes > 0);
}

function shareRow({model, bytes, shade}, most, sum) {
	const bar = h("span", {class: shade});
	bar.style.inlineSize = `${most ? bytes / most * 100 : 0}%`;
	return h("tr", {}, h("th", {scope: "row"}, h("bdi", {class: "model-title"}, printable(titleOf(model), 120))),
		h("td", {class: "bar-cell", "aria-hidden": "true"}, h("div", {class: "share"}, bar)),
		h("td", {class: "right num"}, disk(bytes)),
		h("td", {class: "right num muted"}, sum ? `${(bytes / sum * 100).toFixed(1)} %` : "–"));
}

function draw() {
	const list = used();
	const sum = list.reduce((all, {bytes}) => all + bytes, 0);
	const segments = segmentsOf(list, sum);
	const missing = known.models.filter((m) => ["missing", "failed"].includes(statusOf(m).word));
	const lacking = missing.reduce((all, m) => all + safeNumber(m.bytes), 0);
	const total = Math.max(volume?.total ?? 0, segments.reduce((all, {bytes}) => all + bytes, 0));
	fill(byId("storage-body"), h("div", {class: "stack"},
		h("section", {class: "panel", "aria-labelledby": "storage-disk"},
			h("h2", {id: "storage-disk"}, volume
				? `${disk(sum)} of models, ${disk(volume.free)} free of ${disk(volume.total)}`
				: `${disk(sum)} of models`),
			total ? picture(segments, total) : null,
			h("div", {class: "legend"}, segments.map(({name, bytes, shade}) => key(name, bytes, shade))),
			missing.length && lacking ? h("p", {class: "hint"},
				`The models that are missing would take ${disk(lacking)} more`,
				volume ? (lacking > volume.free ? ": more than is free." : ": less than is free.") : ".") : null,
			volume ? null : h("p", {class: "hint"}, "The server does not say how large the disk is.")),
		list.length ? h("div", {class: "table-box"}, h("table", {class: "ranked", "aria-label": "Size of each model"},
			h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "Model"),
				h("td", {class: "bar-cell"}), h("th", {scope: "col", class: "right"}, "Size"),
				h("th", {scope: "col", class: "right"}, "Share"))),
			h("tbody", {}, list.map((entry) => shareRow(entry, list[0].bytes, sum))))) : null));
}

async function ask() {
	const answer = await maybe("storage").catch(() => null);
	const place = answer ?? known.health?.storage;
	volume = place && safeNumber(place.total) > 0
		? {total: safeNumber(place.total), free: safeNumber(place.free)} : null;
	draw();
}

export function start() {
	on("index", draw);
	draw();
}

export {ask as show};
