// SPDX-License-Identifier: Apache-2.0
// Before anything is drawn: the theme that was chosen last, so that it does not flash.
"use strict";
try {
	const theme = localStorage.getItem("theme");
	if (theme === "light" || theme === "dark")
		document.documentElement.dataset.theme = theme;
} catch {
	// Storage is forbidden: the system's theme it is.
}
