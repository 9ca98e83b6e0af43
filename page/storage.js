// SPDX-License-Identifier: Apache-2.0
// What takes how much of the disk.
import {maybe} from "./api.js";
import {byId, fill, h, s} from "./dom.js";
import {disk, printable, safeNumber} from "./format.js";
import {known, on, statusOf, titleOf} from "./state.js";

// {total, free} in bytes; null: the server does not say. The fallback directory's only when it is on
// another file system.
const volumes = {baked: null, fallback: null};

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

function segmentsOf(list, volume) {
	const sum = sumOf(list);
	const first = list.slice(0, shades.length);
	const rest = sumOf(list.slice(shades.length));
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

function sumOf(list) {
	return list.reduce((all, {bytes}) => all + bytes, 0);
}

function volumePanel(id, what, list, volume, more) {
	const segments = segmentsOf(list, volume);
	const total = Math.max(volume?.total ?? 0, sumOf(segments));
	const title = `${disk(sumOf(list))} of ${what}`;
	return h("section", {class: "panel", "aria-labelledby": id},
		h("h2", {id}, volume ? `${title}, ${disk(volume.free)} free of ${disk(volume.total)}` : title),
		total ? picture(segments, total) : null,
		h("div", {class: "legend"}, segments.map(({name, bytes, shade}) => key(name, bytes, shade))),
		more ? h("p", {class: "hint"}, more) : null);
}

function shareRow({model, bytes, shade}, most, sum) {
	const bar = h("span", {class: shade});
	bar.style.inlineSize = `${most ? bytes / most * 100 : 0}%`;
	return h("tr", {}, h("th", {scope: "row"}, h("bdi", {class: "model-title"}, printable(titleOf(model), 120))),
		h("td", {class: "bar-cell", "aria-hidden": "true"}, h("div", {class: "share"}, bar)),
		h("td", {class: "right num"}, disk(bytes)),
		h("td", {class: "right num muted"}, sum ? `${(bytes / sum * 100).toFixed(1)} %` : "–"));
}

// Where a model that is missing can be fetched to.
function lackingText() {
	const missing = known.models.filter((m) => ["missing", "failed"].includes(statusOf(m).word));
	const lacking = missing.reduce((all, m) => all + safeNumber(m.bytes), 0);
	const volume = volumes.fallback ?? volumes.baked;
	if (!lacking)
		return "";
	return `The models that are missing would take ${disk(lacking)} more${
		volume ? `: ${lacking > volume.free ? "more" : "less"} than is free` : ""}.`;
}

function draw() {
	const list = used();
	const sum = sumOf(list);
	const apart = volumes.fallback !== null;
	const baked = apart ? list.filter(({model}) => statusOf(model).word === "baked") : list;
	const lacking = lackingText();
	fill(byId("storage-body"), h("div", {class: "stack"},
		volumePanel("storage-disk", "models", baked, volumes.baked,
			volumes.baked ? apart ? "" : lacking : `${lacking} The server does not say how large the disk is.`),
		apart ? volumePanel("storage-fallback", "models in the fallback directory",
			list.filter(({model}) => statusOf(model).word === "fallback"), volumes.fallback, lacking) : null,
		list.length ? h("div", {class: "table-box"}, h("table", {class: "ranked", "aria-label": "Size of each model"},
			h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "Model"),
				h("td", {class: "bar-cell"}), h("th", {scope: "col", class: "right"}, "Size"),
				h("th", {scope: "col", class: "right"}, "Share"))),
			h("tbody", {}, list.map((entry) => shareRow(entry, list[0].bytes, sum))))) : null));
}

function volumeOf(place) {
	return place && safeNumber(place.total) > 0
		? {total: safeNumber(place.total), free: safeNumber(place.free)} : null;
}

async function ask() {
	const answer = await maybe("storage").catch(() => null);
	volumes.baked = volumeOf(answer);
	volumes.fallback = answer?.fallback?.shared === false ? volumeOf(answer.fallback) : null;
	draw();
}

export function start() {
	on("index", () => {
		draw();
		if (!byId("view-storage").hidden)
			void ask();
	});
	draw();
}

export {ask as show};
