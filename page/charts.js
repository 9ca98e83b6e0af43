// SPDX-License-Identifier: Apache-2.0
// Memory as pictures. Each picture has its numbers as a table elsewhere; its label is the summary.
import {h, s} from "./dom.js";
import {count, memory} from "./format.js";

const kinds = [
	[/^(other )?weights$/, "f-weights"], [/^(kv cache|recurrent state)$/, "f-kv"],
	[/^(compute buffer|activations.*)$/, "f-compute"], [/^(projector|images|vision.*)$/, "f-vision"],
	[/^(driver and context|overhead)$/, "f-overhead"], [/^output$/, "f-output"],
	[/^fragmentation$/, "f-other"],
];
const components = ["f-weights", "f-output", "f-vision", "f-other", "f-kv"];

// Each part with its colour. Components of a pipeline have any names: they take turns.
export function shadesOf(parts) {
	let turn = 0;
	return parts.map((part) => part.known
		? kinds.find(([pattern]) => pattern.test(part.name))?.[1] ?? components[turn++ % components.length]
		: "f-unknown");
}

// Parts one after another: what is certain plain, what may come on top of it hatched.
function segments(parts, shades, scale) {
	const shapes = [];
	let x = 0;
	parts.forEach((part, at) => {
		if (!part.known || !part.max)
			return;
		const sure = part.min * scale;
		const more = (part.max - part.min) * scale;
		shapes.push(s("rect", {class: `${shades[at]} gap`, x, y: 0, width: sure + more, height: 40}));
		if (more > 0.5)
			shapes.push(s("rect", {fill: "url(#hatch)", x: x + sure, y: 0, width: more, height: 40}));
		x += sure + more;
	});
	return shapes;
}

export function stackedBar({parts, shades, max, gpu, budget, label}, width) {
	const whole = Math.max(max, gpu, 1);
	const scale = width / whole;
	const mark = budget && budget < whole ? budget * scale : 0;
	const left = mark > width - 130;
	return s("svg", {class: "chart", viewBox: `0 0 ${width} ${mark ? 62 : 42}`, role: "img", "aria-label": label},
		s("rect", {class: "track", x: 0.5, y: 0.5, width: Math.max(0, (gpu || max) * scale - 1), height: 39, rx: 3}),
		segments(parts, shades, scale),
		mark ? [
			s("line", {class: "budget", x1: mark, x2: mark, y1: -3, y2: 46}),
			s("text", {class: "budget-text", x: mark + (left ? 0 : 0), y: 58, "text-anchor": left ? "end" : mark < 60 ? "start" : "middle"},
				`${memory(budget)} usable`),
		] : null);
}

// The curve.

function ticksOf(max) {
	const rough = max / 4;
	const power = 2 ** Math.floor(Math.log2(Math.max(rough, 1)));
	const step = rough / power > 1.5 ? power * 2 : power;
	const ticks = [];
	for (let value = 0; value <= max * 1.001 && ticks.length < 12; value += step)
		ticks.push(value);
	return ticks;
}

function short(tokens) {
	return tokens >= 1024 && tokens % 1024 === 0 ? `${count(tokens / 1024)}k` : count(tokens);
}

function tickText(bytes) {
	return bytes ? memory(bytes).replace(/\.0+ /, " ").replace(/(\.\d)0 /, "$1 ") : "0";
}

function frame(points, budget, width) {
	const box = {left: 62, right: width - 14, top: 26, bottom: 214};
	const first = Math.log2(points[0].context);
	const last = Math.log2(points.at(-1).context);
	const most = Math.max(...points.map(({max}) => max));
	const high = Math.max(most, budget && budget < most * 3 ? budget : 0) * 1.06 || 1;
	return {
		...box, high,
		x: (tokens) => box.left + (Math.log2(tokens) - first) / (last - first || 1) * (box.right - box.left),
		y: (bytes) => box.bottom - Math.min(bytes, high) / high * (box.bottom - box.top),
	};
}

function axes(points, f, width) {
	const every = Math.ceil(points.length * 46 / (width - 76));
	const marks = points.filter(({tick}) => tick).filter((_, at, all) => (all.length - 1 - at) % every === 0);
	return [
		ticksOf(f.high).map((bytes) => [
			s("line", {class: "grid", x1: f.left, x2: f.right, y1: f.y(bytes), y2: f.y(bytes)}),
			s("text", {x: f.left - 8, y: f.y(bytes) + 4, "text-anchor": "end"}, tickText(bytes)),
		]),
		marks.map(({context}) => s("text", {x: f.x(context), y: f.bottom + 18, "text-anchor": "middle"}, short(context))),
		s("text", {x: (f.left + f.right) / 2, y: f.bottom + 38, "text-anchor": "middle"}, "tokens of context"),
	];
}

function line(points, f, key) {
	return points.map((point) => `${f.x(point.context).toFixed(1)},${f.y(point[key]).toFixed(1)}`);
}

function bounds(f, budget) {
	if (!budget || budget > f.high)
		return null;
	const y = f.y(budget);
	return [
		s("rect", {class: "over", x: f.left, y: f.top, width: f.right - f.left, height: Math.max(0, y - f.top)}),
		s("line", {class: "budget", x1: f.left, x2: f.right, y1: y, y2: y}),
		s("text", {class: "budget-text", x: f.left + 6, y: y - 6}, `${memory(budget)} usable`),
	];
}

function fitMark(f, fit, points) {
	if (!fit || fit < points[0].context || fit > points.at(-1).context)
		return null;
	const x = f.x(fit);
	const end = x > (f.left + f.right) / 2;
	return [
		s("line", {class: "fit", x1: x, x2: x, y1: f.top - 6, y2: f.bottom}),
		s("text", {class: "fit-text", x: x + (end ? 4 : -4), y: f.top - 12, "text-anchor": end ? "end" : "start"},
			`largest that fits: ${count(fit)}`),
	];
}

export function curve({points, budget, fit, now}, width) {
	const f = frame(points, budget, width);
	const most = line(points, f, "max");
	const least = line(points, f, "min");
	const here = points.find(({context}) => context === now);
	const label = `Memory over context, from ${memory(points[0].max)} at ${count(points[0].context)} tokens `
		+ `to ${memory(points.at(-1).max)} at ${count(points.at(-1).context)}.`
		+ (fit ? ` The largest context that fits is ${count(fit)}.` : "");
	return s("svg", {class: "chart", viewBox: `0 0 ${width} 258`, role: "img", "aria-label": label},
		bounds(f, budget), axes(points, f, width),
		s("polygon", {class: "base", points: [`${f.left},${f.bottom}`, ...least, `${f.right},${f.bottom}`].join(" ")}),
		s("polygon", {class: "band", points: [...least, ...[...most].reverse()].join(" ")}),
		s("polyline", {class: "least", points: least.join(" "), fill: "none"}),
		s("polyline", {class: "most", points: most.join(" ")}),
		fitMark(f, fit, points),
		here ? s("circle", {class: "now-dot", cx: f.x(now), cy: f.y(here.max), r: 5}) : null);
}

export function curveTable({points, budget}) {
	return h("table", {class: "parts", "aria-label": "Memory over context"},
		h("thead", {}, h("tr", {}, ["Context", "At least", "At most", budget ? "Fits" : null].filter(Boolean)
			.map((text, at) => h("th", {scope: "col", class: at ? "right" : null}, text)))),
		h("tbody", {}, points.map(({context, min, max}) => h("tr", {},
			h("th", {scope: "row", class: "num"}, count(context)),
			h("td", {class: "right num"}, memory(min)), h("td", {class: "right num"}, memory(max)),
			budget ? h("td", {class: "right"}, max <= budget ? "yes" : min <= budget ? "perhaps" : "no") : null))));
}

// Draws again whenever the width changes, so that texts keep their size.
export function responsive(draw) {
	const box = h("div", {});
	let width = 0;
	new ResizeObserver(([entry]) => {
		const now = Math.floor(entry.contentRect.width);
		if (now > 0 && now !== width) {
			width = now;
			box.replaceChildren(draw(width));
		}
	}).observe(box);
	return box;
}
