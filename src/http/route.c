/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to its row of the table. Paths are compared byte for byte. */
#include <string.h>

#include "http/inner.h"

static bool is_segment(struct bake_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return text.len > 0 && text.len < sizeof(((struct bake_http_link *)NULL)->name);
}

static bool matches(
	const struct bake_http_route *route, struct bake_span path, struct bake_span *out_name)
{
	size_t len = strlen(route->path);
	bool is_parent = len > 1 && route->path[len - 1] == '/';

	*out_name = bake_span(NULL, 0);
	if (path.len < len || memcmp(path.ptr, route->path, len) != 0)
		return false;
	if (!is_parent)
		return path.len == len;
	*out_name = bake_span(path.ptr + len, path.len - len);
	return is_segment(*out_name);
}

void bake_http_route_find(
	const struct bake_http_server *server, struct bake_http_link *link, struct bake_span path)
{
	const struct bake_http_options *options = &server->options;
	struct bake_span name;

	memset(link->routes, 0, sizeof(link->routes));
	link->name[0] = '\0';
	for (size_t i = 0; i < options->route_count; i++) {
		const struct bake_http_route *route = &options->routes[i];

		if ((route->admin && !options->admin_token) || !matches(route, path, &name))
			continue;
		link->routes[route->method] = route;
		if (name.len) {
			memcpy(link->name, name.ptr, name.len);
			link->name[name.len] = '\0';
		}
	}
}
