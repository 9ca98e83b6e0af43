/* SPDX-License-Identifier: Apache-2.0 */
#include "http/refuse.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

/*
 * How lines ended is not told by libmicrohttpd 0.9.75 (later ones have MHD_OPTION_CLIENT_DISCIPLINE_LVL).
 * But names and values are pieces of one header, which it tells the size of: in a well-formed one
 * they lie behind each other with ":" and blanks or with CRLF between them. A bare LF leaves one byte
 * less; a NUL, a folded line or one that was skipped leaves more.
 */
struct walk {
	struct bake_http_heads *heads;
	uintptr_t at; /* where the next name has to begin */
	unsigned fields;
};

static void refuse(
	struct bake_http_heads *heads, unsigned status, const char *id, const char *message)
{
	if (heads->status)
		return;
	heads->status = status;
	heads->id = id;
	heads->message = message;
}

static void refuse_syntax(struct bake_http_heads *heads, const char *message)
{
	refuse(heads, 400, "http.syntax", message);
}

static void take_length(struct bake_http_heads *heads, struct bake_span value)
{
	if (heads->has_length ||
		!bake_number_parse((const char *)value.ptr, value.len, &heads->content_length))
		refuse_syntax(heads, "Content-Length is not one number");
	heads->has_length = true;
}

static void take_host(struct bake_http_heads *heads, struct bake_span value)
{
	if (heads->has_host)
		refuse_syntax(heads, "Host stands twice");
	heads->has_host = true;
	heads->host = value;
}

static void take_transfer(struct bake_http_heads *heads, struct bake_span value)
{
	(void)value;
	heads->chunked = true;
}

static void take_authorization(struct bake_http_heads *heads, struct bake_span value)
{
	if (heads->authorization.len)
		refuse_syntax(heads, "Authorization stands twice");
	heads->authorization = value;
}

static void take_origin(struct bake_http_heads *heads, struct bake_span value)
{
	heads->origin = value;
}

static void take_type(struct bake_http_heads *heads, struct bake_span value)
{
	heads->content_type = value;
}

static void take_none_match(struct bake_http_heads *heads, struct bake_span value)
{
	heads->none_match = value;
}

static void take_encoding(struct bake_http_heads *heads, struct bake_span value)
{
	heads->accept_encoding = value;
}

static const struct {
	const char *name;
	void (*take)(struct bake_http_heads *heads, struct bake_span value);
} fields[] = {
	{"host", take_host},
	{"content-length", take_length},
	{"transfer-encoding", take_transfer},
	{"authorization", take_authorization},
	{"origin", take_origin},
	{"content-type", take_type},
	{"if-none-match", take_none_match},
	{"accept-encoding", take_encoding},
};

static void take_field(
	struct bake_http_heads *heads, const char *name, size_t len, struct bake_span value)
{
	while (value.len && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
		value.len--;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) == len && strncasecmp(fields[i].name, name, len) == 0)
			fields[i].take(heads, value);
	}
}

static enum MHD_Result walk_field(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct walk *walk = context;

	(void)kind;
	walk->fields++;
	if (!value || (uintptr_t)name != walk->at ||
		(uintptr_t)value <= (uintptr_t)name + name_len) {
		refuse_syntax(walk->heads, "a line of the header is malformed");
		return MHD_NO;
	}
	if (!bake_http_is_token(name, name_len) || !bake_http_is_value(value, value_len)) {
		refuse_syntax(walk->heads, "a header has characters that it may not have");
		return MHD_NO;
	}
	take_field(walk->heads, name, name_len, bake_span(value, value_len));
	walk->at = (uintptr_t)value + value_len + 2;
	return MHD_YES;
}

static size_t header_size(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? info->header_size : 0;
}

/* "GET /path HTTP/1.1": one blank each, and a version that is known. */
static bool line_is_right(
	const struct bake_http_link *link, const char *method, const char *version)
{
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return false;
	return bake_http_is_token(method, strlen(method)) &&
	       (uintptr_t)method + strlen(method) + 1 == (uintptr_t)link->target &&
	       (uintptr_t)link->target + link->target_len + 1 == (uintptr_t)version;
}

static void check_body(struct bake_http_heads *heads, const char *method)
{
	bool post = strcmp(method, "POST") == 0;

	if (heads->chunked && heads->has_length)
		refuse_syntax(heads, "both Content-Length and Transfer-Encoding");
	else if (heads->chunked && post)
		refuse(heads, 411, "http.length", "a body needs Content-Length");
	else if (!post && (heads->chunked || heads->content_length))
		refuse(heads, 400, "http.body", "this method has no body");
	else if (heads->content_length > BAKE_HTTP_BODY_MAX)
		refuse(heads, 413, "http.body-size", "the body is too large");
}

void bake_http_heads_read(struct MHD_Connection *connection, const struct bake_http_link *link,
	const char *method, const char *version, struct bake_http_heads *out)
{
	struct walk walk = {.heads = out, .at = (uintptr_t)version + strlen(version) + 2};
	size_t size = header_size(connection);
	int count;

	*out = (struct bake_http_heads){.status = 0};
	if (link->long_target)
		refuse(out, 414, "http.target-size", "the address is too long");
	if (size > BAKE_HTTP_HEADER_MAX + link->target_len)
		refuse(out, 431, "http.header-size", "the header is larger than 8 KiB");
	count = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, NULL, NULL);
	if (count > BAKE_HTTP_FIELDS_MAX)
		refuse(out, 431, "http.header-size", "there are more than 100 headers");
	if (link->broken_target || !line_is_right(link, method, version)) {
		refuse_syntax(out, "the request line is malformed");
		return;
	}
	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, walk_field, &walk);
	if (walk.at + 2 != (uintptr_t)method + size)
		refuse_syntax(out, "a line of the header is malformed");
	if (!out->has_host && strcmp(version, "HTTP/1.1") == 0)
		refuse_syntax(out, "there is no Host");
	check_body(out, method);
}
