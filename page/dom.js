// SPDX-License-Identifier: Apache-2.0
// Making elements. Text is only ever text: nothing here takes markup.

const SVG = "http://www.w3.org/2000/svg";

function apply(element, props) {
	for (const [name, value] of Object.entries(props)) {
		if (value === undefined || value === null || value === false)
			continue;
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else
			element.setAttribute(name, value === true ? "" : String(value));
	}
}

function build(element, props, children) {
	apply(element, props);
	for (const child of children.flat(Infinity)) {
		if (child !== undefined && child !== null && child !== false)
			element.append(child);
	}
	return element;
}

export function h(tag, props = {}, ...children) {
	return build(document.createElement(tag), props, children);
}

export function s(tag, props = {}, ...children) {
	return build(document.createElementNS(SVG, tag), props, children);
}

// An icon of the sprite in index.html. It says nothing that text beside it does not.
export function icon(name) {
	return s("svg", {class: "icon", "aria-hidden": "true", focusable: "false"},
		s("use", {href: `#i-${name}`}));
}

export function byId(id) {
	return document.getElementById(id);
}

// Replaces what is in an element, and keeps the focus when what had it comes back under its id.
export function fill(element, ...children) {
	const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
	element.replaceChildren();
	build(element, {}, children);
	if (focused)
		document.getElementById(focused)?.focus({preventScroll: true});
}

// Says something to those who do not see it change.
export function announce(text) {
	byId("announcer").textContent = text;
}

// A button that puts text on the clipboard and says so.
export function copyButton(text, what) {
	const label = h("span", {}, "Copy");
	const button = h("button", {
		type: "button", class: "button small", "aria-label": `Copy ${what}`,
		async onclick() {
			const done = await copy(text);
			label.textContent = done ? "Copied" : "Select and copy";
			announce(done ? `${what} copied` : "The browser does not allow copying");
			setTimeout(() => { label.textContent = "Copy"; }, 2000);
		},
	}, icon("copy"), label);
	return button;
}

async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		// Without TLS there is no clipboard: the old way.
	}
	const area = h("textarea", {class: "offscreen", readonly: true, "aria-hidden": "true"});
	const focused = document.activeElement;
	area.value = text;
	document.body.append(area);
	area.select();
	const done = document.execCommand("copy");
	area.remove();
	focused?.focus();
	return done;
}
