// SPDX-License-Identifier: Apache-2.0
// Values become text for people.

// Controls, directions and what has no width: shown by number, so that a text from anywhere
// neither hides in nor rearranges what stands around it.
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]/gu;

const longest = 300;

// Any text, printable, at most max characters.
export function printable(value, max = longest) {
	const text = typeof value === "string" ? value : String(value ?? "");
	const cut = text.length > max
		? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, "")}…` : text;
	return cut.replace(unseen, (c) =>
		`\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
}

// As bake-index estimate prints memory: in units of 1024.
export function memory(bytes) {
	const mib = bytes / 1048576;
	if (bytes === 0)
		return "0";
	if (mib < 1)
		return `${(mib * 1024).toFixed(1)} KiB`;
	return mib < 1024 ? `${mib.toFixed(1)} MiB` : `${(mib / 1024).toFixed(2)} GiB`;
}

export function memoryRange(min, max) {
	return min === max ? memory(max) : `${memory(min)} – ${memory(max)}`;
}

// Bytes on a disk, as disks are sold: in units of 1000.
export function disk(bytes) {
	const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
	let value = bytes;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	if (unit === 0)
		return `${value} ${value === 1 ? "byte" : "bytes"}`;
	return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(value) {
	return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function plural(number, word, many = `${word}s`) {
	return `${count(number)} ${number === 1 ? word : many}`;
}

export function percent(part) {
	return `${Math.floor(part * 100)} %`;
}

export function duration(seconds) {
	if (seconds < 60)
		return `${Math.max(0, Math.round(seconds))} s`;
	if (seconds < 3600)
		return `${Math.round(seconds / 60)} min`;
	const hours = Math.floor(seconds / 3600);
	const minutes = Math.round((seconds - hours * 3600) / 60);
	return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
}

// "gguf:demo.gguf:llama.block_count" in one word, for a badge.
export function sourceKind(source) {
	const kinds = [
		[/^runtime/, "runtime log"], [/^gguf:/, "GGUF"], [/^generation_config:/, "config"],
		[/^config:/, "config"], [/^ollama:/, "Ollama"], [/^derived:/, "derived"],
		[/^tensors/, "tensors"], [/^safetensors/, "safetensors"], [/^(manual|option)/, "yours"],
	];
	return kinds.find(([pattern]) => pattern.test(source ?? ""))?.[1] ?? "file";
}

export function safeNumber(value) {
	return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}
